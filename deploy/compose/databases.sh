# A role and a database of its own for each service whose password is given (<PACKAGE>_DB_PASSWORD). Runs at each start:
# what is missing is made, a changed password is taken over, nothing is removed.
set -eu

for variable in $(env | sed -n 's/^\([A-Z_]*_DB_PASSWORD\)=.*/\1/p' | sort); do
  name=$(echo "${variable%_DB_PASSWORD}" | tr '[:upper:]' '[:lower:]')
  # The password comes by psql's own \getenv: it stands in no command line, and its quoting is psql's business.
  psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --set="name=$name" <<SQL
\getenv password $variable
SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
  echo "database $name is ready"
done
