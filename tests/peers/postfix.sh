#!/bin/bash
# A private Postfix and Dovecot on 127.0.0.1, for tests (root; packages by setup.sh).
#
#   postfix.sh start DIR SMTP_PORT LMTP_PORT IMAP_PORT [BOUNCE_LMTP_PORT]
#   postfix.sh stop DIR
#
# SMTP_PORT           Postfix: STARTTLS (certificate DIR/cert.pem for localhost), AUTH user "camp" password "test", PIPELINING, CHUNKING
# LMTP_PORT IMAP_PORT Dovecot: every user of example.test exists, password "test", mail below DIR/mail/USER
# BOUNCE_LMTP_PORT    where bounce+*@example.test and unsubscribe+*@example.test are delivered by LMTP (the channel under test)
#
# Recipients with a part: reject@example.test 550 5.1.1, grey@example.test 450 4.2.0, any @nowhere.test accepted and then bounced with a real
# DSN, any @later.test accepted and left in the queue.
set -eu
action=$1
dir=$2
if [ "$action" = stop ]; then
    postfix -c "$dir/postfix" stop > /dev/null 2>&1 || true
    doveadm -c "$dir/dovecot.conf" stop > /dev/null 2>&1 || true
    exit 0
fi
smtp=$3
lmtp=$4
imap=$5
bounce=${6:-}
sasl=$((smtp + 1))

mkdir -p "$dir"/{postfix,queue,data,run,mail}
chmod 755 "$dir"
id lantoa-vmail > /dev/null 2>&1 || useradd -r -M -s /usr/sbin/nologin lantoa-vmail
chown lantoa-vmail "$dir/mail"
chown postfix "$dir/data"
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$dir/key.pem" -out "$dir/cert.pem" 2> /dev/null

cat > "$dir/dovecot.conf" <<CONF
base_dir = $dir/run
state_dir = $dir/run
log_path = $dir/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
mail_location = maildir:$dir/mail/%n
mail_uid = lantoa-vmail
mail_gid = lantoa-vmail
first_valid_uid = 1
auth_username_format = %n
auth_failure_delay = 0
recipient_delimiter = +
disable_plaintext_auth = no
ssl = no
passdb {
  driver = static
  args = password=test
}
userdb {
  driver = static
  args = uid=lantoa-vmail gid=lantoa-vmail home=$dir/mail/%n allow_all_users=yes
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = $imap
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $lmtp
  }
}
service auth {
  inet_listener sasl {
    address = 127.0.0.1
    port = $sasl
  }
}
CONF

transports="{ nowhere.test = error:5.1.1 no such user here }, { later.test = retry:4.7.1 try later }"
if [ -n "$bounce" ]; then
    transports="$transports, { bounce@example.test = lmtp:inet:127.0.0.1:$bounce }, { unsubscribe@example.test = lmtp:inet:127.0.0.1:$bounce }"
fi
cat > "$dir/postfix/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.test
mydestination =
local_recipient_maps =
alias_maps =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.test
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:inet:127.0.0.1:$lmtp
recipient_delimiter = +
smtp_dns_support_level = disabled
transport_maps = inline:{ $transports }
smtpd_reject_unlisted_recipient = no
smtpd_tls_cert_file = $dir/cert.pem
smtpd_tls_key_file = $dir/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:$sasl
message_size_limit = 4000000
maillog_file = $dir/maillog
maillog_file_prefixes = $dir
smtpd_recipient_restrictions = check_recipient_access inline:{ { reject@example.test = 550 5.1.1 mailbox unknown }, { grey@example.test = 450 4.2.0 greylisted } }, permit_mynetworks, permit_sasl_authenticated, reject
CONF
cp /usr/share/postfix/master.cf.dist "$dir/postfix/master.cf"
cp /etc/postfix/postfix-files "$dir/postfix/" 2> /dev/null || true
sed -E -i "s/^smtp +inet .*smtpd\$/127.0.0.1:$smtp inet n - n - - smtpd/" "$dir/postfix/master.cf"
grep -q '^postlog' "$dir/postfix/master.cf" || echo 'postlog unix-dgram n - n - 1 postlogd' >> "$dir/postfix/master.cf"
# The daemons must not keep the pipes of whoever has called this.
dovecot -c "$dir/dovecot.conf" < /dev/null > "$dir/start.log" 2>&1 || { cat "$dir/start.log" >&2; exit 1; }
postfix -c "$dir/postfix" start < /dev/null > "$dir/start.log" 2>&1 || { cat "$dir/start.log" >&2; exit 1; }
for _ in $(seq 100); do
    if [ "$(ss -ltnH "sport = :$smtp or sport = :$lmtp or sport = :$imap" | wc -l)" -eq 3 ]; then
        echo ready
        exit 0
    fi
    sleep 0.1
done
echo "the mail servers did not start: see $dir/maillog and $dir/dovecot.log" >&2
exit 1
