"""How the brokers are spoken to: in the clear, over TLS, as a user, or both."""

from ssl import create_default_context

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from campaign_service.settings import DatabaseSettings

_MECHANISMS = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


def security_of(settings: DatabaseSettings) -> BaseSecurity | None:
    """What the environment says; null for brokers in the clear. The broker's name is always checked."""
    context = None
    if settings.kafka_security.endswith("ssl"):
        context = create_default_context(cafile=settings.kafka_ca_file)
        if settings.kafka_certificate_file is not None:
            context.load_cert_chain(settings.kafka_certificate_file, settings.kafka_key_file)
    if not settings.kafka_security.startswith("sasl"):
        return None if context is None else BaseSecurity(ssl_context=context)
    assert settings.kafka_username is not None
    assert settings.kafka_password is not None
    mechanism = _MECHANISMS[settings.kafka_mechanism]
    return mechanism(settings.kafka_username, settings.kafka_password.get_secret_value(), ssl_context=context)
