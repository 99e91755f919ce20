"""Brokers that ask who one is, over TLS: topics, publishing and reading, and what is refused."""

import asyncio
import ipaddress
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.errors import KafkaError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from campaign_events.envelope import wrap
from campaign_events.facts import CampaignPaused
from campaign_events.positions import Received
from campaign_events.topics import CAMPAIGN_EVENTS
from campaign_service.kafka_security import security_of
from campaign_service.logs import configure_logs
from campaign_service.publisher import Publisher
from campaign_service.settings import DatabaseSettings
from campaign_service.subscription import Subscription
from campaign_service.topic_admin import ensure_topics
from local_stack.kafka import Kafka
from local_stack.ports import HOST, free_port

LOG = configure_logs("test", level="error", log_format="json")
PROPERTIES = """\
listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{safe_port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{safe_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_campaigns="a password";
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
"""


def authority(folder: Path) -> tuple[Path, Path]:
    """A certificate of our own for this machine: the authority's file, and the broker's key and certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The tests' broker")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "authority.pem").write_bytes(pem)
    (folder / "broker.pem").write_bytes(private + pem)
    return folder / "authority.pem", folder / "broker.pem"


@pytest.fixture(scope="module")
def broker() -> Iterator[dict[str, Any]]:
    """The settings with which one gets in."""
    folder = Path(tempfile.mkdtemp(prefix="calling-campaigns-"))
    port, safe_port, controller_port = free_port(), free_port(), free_port()
    ca_file, keystore = authority(folder)
    kafka = Kafka(
        folder / "kafka",
        port=port,
        controller_port=controller_port,
        log=folder / "kafka.log",
        properties=PROPERTIES.format(
            host=HOST, port=port, safe_port=safe_port, controller_port=controller_port, keystore=keystore
        ),
    )
    try:
        kafka.start()
        yield {
            "database_dsn": "postgresql://unused",
            "kafka_bootstrap": f"{HOST}:{safe_port}",
            "kafka_security": "sasl_ssl",
            "kafka_ca_file": ca_file,
            "kafka_mechanism": "PLAIN",
            "kafka_username": "campaigns",
            "kafka_password": "a password",
        }
    finally:
        kafka.kill()
        shutil.rmtree(folder)


async def test_a_broker_that_asks_for_tls_and_a_password_is_written_to_and_read(
    broker: dict[str, Any], eventually: Callable[..., Any]
) -> None:
    settings = DatabaseSettings(**broker)
    security, prefix = security_of(settings), f"t{uuid4().hex[:8]}."
    await ensure_topics(settings.kafka_bootstrap, [prefix + CAMPAIGN_EVENTS], security=security)
    campaign_id, log = uuid4(), uuid4()
    event = wrap(
        CampaignPaused(at=datetime.now(UTC), campaign_id=campaign_id),
        log=log,
        position=1,
        prior=0,
        stream_version=1,
        workspace=UUID(int=1),
        correlation_id=None,
        causation_id=None,
    )
    async with Publisher(
        settings.kafka_bootstrap, topic_prefix=prefix, client_id="test", security=security
    ) as publisher:
        await publisher.publish([(CAMPAIGN_EVENTS, event)])

    read: list[Received] = []

    async def effect(received: Any) -> None:
        read.extend(received)

    subscription = Subscription(
        settings.kafka_bootstrap,
        [CAMPAIGN_EVENTS],
        effect,
        group="test",
        instance_id="0",
        topic_prefix=prefix,
        unavailable=(),
        log=LOG,
        security=security,
    )
    stopping = asyncio.Event()
    reading = asyncio.create_task(subscription.run(stopping))
    await eventually(lambda: read, within_seconds=30)
    stopping.set()
    await reading
    assert [item.event for item in read] == [event]


@pytest.mark.parametrize(
    "changes",
    [
        {"kafka_password": "another"},
        {"kafka_ca_file": None},
        {"kafka_security": "ssl"},
        {"kafka_security": "plaintext"},
    ],
    ids=["a wrong password", "an authority nobody knows", "without a user", "in the clear"],
)
async def test_who_does_not_say_what_the_broker_asks_does_not_get_in(
    broker: dict[str, Any], changes: dict[str, Any]
) -> None:
    settings = DatabaseSettings(**{**broker, **changes})
    with pytest.raises((KafkaError, ssl.SSLError, OSError)):
        await asyncio.wait_for(
            ensure_topics(settings.kafka_bootstrap, ["t.never"], security=security_of(settings)), timeout=20
        )


@pytest.mark.parametrize(
    ("security", "mechanism", "kind"),
    [
        ("plaintext", "PLAIN", None),
        ("ssl", "PLAIN", BaseSecurity),
        ("sasl_plaintext", "PLAIN", SASLPlaintext),
        ("sasl_ssl", "SCRAM-SHA-256", SASLScram256),
        ("sasl_ssl", "SCRAM-SHA-512", SASLScram512),
    ],
)
def test_each_way_to_speak_to_brokers(security: str, mechanism: str, kind: type[BaseSecurity] | None) -> None:
    settings = DatabaseSettings(
        database_dsn="postgresql://unused",
        kafka_bootstrap="kafka:9092",
        kafka_security=security,
        kafka_mechanism=mechanism,
        kafka_username="campaigns",
        kafka_password="a password",
    )
    found = security_of(settings)
    if kind is None:
        assert found is None
        return
    assert type(found) is kind
    assert found.use_ssl is security.endswith("ssl")
    if found.ssl_context is not None:
        assert found.ssl_context.verify_mode is ssl.CERT_REQUIRED
        assert found.ssl_context.check_hostname
