# Finds PostgreSQL with pg_cron, or installs Debian's packages. Read by ./bootstrap,
# whose functions it uses.

readonly OLDEST_POSTGRES=15

# Lists the majors whose server is installed where Debian puts it, oldest first.
installed_majors() {
  local folder major
  for folder in "${POSTGRES_ROOT:-/usr/lib/postgresql}"/*/; do
    major=$(basename "$folder")
    case $major in *[!0-9]*) continue ;; esac
    if [ "$major" -ge $OLDEST_POSTGRES ] && [ -x "$folder/bin/postgres" ]; then
      echo "$major"
    fi
  done | sort -n
}

has_cron() { # LIBRARY_FOLDER
  [ -e "$1/pg_cron.so" ] || [ -e "$1/pg_cron.dylib" ]
}

# A server elsewhere than where Debian puts it, by the pg_config on PATH.
has_other_server() {
  works command -v pg_config || return
  local major
  major=$(pg_config --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
  [ "${major:-0}" -ge $OLDEST_POSTGRES ] && [ -x "$(pg_config --bindir)/postgres" ]
}

has_server() {
  [ -n "$(installed_majors)" ] || has_other_server
}

has_server_with_cron() {
  local major
  for major in $(installed_majors); do
    has_cron "${POSTGRES_ROOT:-/usr/lib/postgresql}/$major/lib" && return
  done
  has_other_server && has_cron "$(pg_config --pkglibdir)"
}

# Gives the major to install: one that is there and lacks only pg_cron, else the newest.
packaged_major() {
  local packaged major
  packaged=$(apt-cache search --names-only '^postgresql-[0-9]+-cron$' |
    sed -n 's/^postgresql-\([0-9]*\)-cron .*/\1/p' |
    awk -v oldest=$OLDEST_POSTGRES '$1 >= oldest' | sort -n)
  for major in $(installed_majors); do
    if grep -qx "$major" <<<"$packaged"; then
      echo "$major"
      return
    fi
  done
  tail -n 1 <<<"$packaged"
}

install_postgres() {
  local major dropin=/etc/postgresql-common/createcluster.d/kiloscale.conf status=0
  major=$(packaged_major)
  if [ -z "$major" ]; then
    say "reading the package lists"
    as_root apt-get update -qq >&2 || true # the next line says what is missing
    major=$(packaged_major)
  fi
  [ -n "$major" ] || return
  # Debian's package would make, and start, a cluster of its own on port 5432.
  as_root mkdir -p "$(dirname $dropin)"
  echo 'create_main_cluster = false' | as_root tee $dropin >/dev/null
  install_packages "postgresql-$major" "postgresql-$major-cron" || status=$?
  if [ $status != 0 ]; then # the lists may name files that are gone
    as_root apt-get update -qq >&2 &&
      install_packages "postgresql-$major" "postgresql-$major-cron" && status=0
  fi
  as_root rm -f $dropin
  return $status
}

# Says what to install; ends the run unless only pg_cron is missing.
explain_postgres() {
  local major="" command
  if works command -v apt-cache; then major=$(packaged_major); fi
  if [ -n "$major" ]; then
    command="sudo apt-get install -y --no-install-recommends postgresql-$major postgresql-$major-cron"
  elif works command -v apt-get; then
    command="sudo apt-get install -y postgresql-common &&"
    command="$command sudo /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y &&"
    command="$command sudo apt-get install -y --no-install-recommends postgresql-17 postgresql-17-cron"
  else
    command="install both, then name the server's folder:"
    command="$command export KILOSCALE_PG_BINDIR=/path/to/bin"
  fi
  if has_server; then
    say "pg_cron is missing, the checks of the schedules will fail: $command"
  else
    fail $NEEDS "PostgreSQL $OLDEST_POSTGRES or later with pg_cron is missing: $command"
  fi
}

# Sees to it that there is a server, and pg_cron where it can be installed.
provide_postgres() {
  [ -z "${KILOSCALE_PG_BINDIR:-}" ] || return 0 # the tasks look at what it names
  has_server_with_cron && return
  { may_install && install_postgres && has_server_with_cron; } || explain_postgres
}
