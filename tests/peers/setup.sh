#!/bin/sh
# Installs the third-party mail peers the tests talk to (Debian 12, root). No service is started: policy-rc.d says no, and
# every test runs its peers from a private folder on 127.0.0.1.
# usage: setup.sh            packages and the npm folder beside this file
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export DEBIAN_FRONTEND=noninteractive
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
fi
packages="postfix dovecot-imapd dovecot-lmtpd python3-dkim python3-pytest openssl nodejs npm"
missing=""
for package in $packages; do
    # A node that did not come from Debian is as good, and its npm comes with it.
    case $package in nodejs | npm) command -v "${package%js}" > /dev/null && continue ;; esac
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    apt-get -o DPkg::Lock::Timeout=300 update -q
    # shellcheck disable=SC2086 # the list is meant to split
    apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends $missing
fi
if [ ! -d "$here/node_modules/smtp-server" ] || [ ! -d "$here/node_modules/telegram-test-api" ]; then
    (cd "$here" && npm ci --ignore-scripts --no-audit --no-fund)
fi
