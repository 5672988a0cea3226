"""How the peers of `make bench` are set up: as an admin would for many connections, with nothing that slows them.

Accounts, limits and caches are generous; what is synced stays as their makers ship it, or stricter.
"""
import pathlib

POSTFIX, POSTDROP, DOVECOT, DOVENULL, VMAIL = range(30_001, 30_006)  # in their namespaces only
_SERVICES = """\
pickup    unix  n - n 60   1 pickup
cleanup   unix  n - n -    0 cleanup
qmgr      unix  n - n 300  1 qmgr
tlsmgr    unix  - - n 1000 1 tlsmgr
rewrite   unix  - - n -    - trivial-rewrite
bounce    unix  - - n -    0 bounce
defer     unix  - - n -    0 bounce
trace     unix  - - n -    0 bounce
verify    unix  - - n -    1 verify
proxymap  unix  - - n -    - proxymap
error     unix  - - n -    - error
retry     unix  - - n -    - error
virtual   unix  - n n -    - virtual
lmtp      unix  - - n -    - lmtp
anvil     unix  - - n -    1 anvil
scache    unix  - - n -    1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def accounts(folder):
    """Files to lay over the machine's, with the accounts that the packages would have made."""
    names = {"postfix": POSTFIX, "postdrop": POSTDROP, "dovecot": DOVECOT, "dovenull": DOVENULL, "vmail": VMAIL}
    for file, line in (("passwd", "{0}:x:{1}:{1}::/nonexistent:/usr/sbin/nologin\n"), ("group", "{0}:x:{1}:\n")):
        machines = pathlib.Path("/etc", file).read_text().splitlines(keepends=True)
        (folder / file).write_text(
            "".join(entry for entry in machines if entry.partition(":")[0] not in names)
            + "".join(line.format(*account) for account in names.items()))
    return [(folder / "passwd", "/etc/passwd"), (folder / "group", "/etc/group")]


def postfix_services(host, port):
    return f"{host}:{port} inet n - n - 1200 smtpd\n{_SERVICES}"


def postfix(folder, dovecot, encrypting):
    return f"""\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/state
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = peer.example
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.com
virtual_mailbox_maps = texthash:{folder}/boxes
virtual_mailbox_base = {dovecot}/mail
virtual_minimum_uid = 100
virtual_uid_maps = static:{VMAIL}
virtual_gid_maps = static:{VMAIL}
virtual_transport = {f"lmtp:unix:{dovecot}/run/lmtp" if encrypting else "virtual"}
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = 209715200
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_cert_file = {dovecot}/cert.pem
smtpd_tls_key_file = {dovecot}/key.pem
disable_dns_lookups = yes
receive_override_options = no_address_mappings, no_header_body_checks
in_flow_delay = 0
qmgr_message_active_limit = 20000
qmgr_message_recipient_limit = 20000
lmtp_destination_concurrency_limit = 20
virtual_destination_concurrency_limit = 20
lmtp_connection_cache_on_demand = yes
"""


def dovecot(folder, host, port, encrypting):
    plugin = "mail_crypt" if encrypting else ""
    return f"""\
base_dir = {folder}/run
protocols = pop3{" lmtp" if encrypting else ""}
listen = {host}
log_path = {folder}/log
ssl = required
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_uid = vmail
mail_gid = vmail
first_valid_uid = 100
mail_home = {folder}/home/%n
mail_location = maildir:{folder}/mail/%n
mail_fsync = always
mail_plugins = {plugin}
maildir_stat_dirs = no
pop3_uidl_format = %08Xu%08Xv
pop3_no_flag_updates = yes
auth_cache_size = 10M
default_vsz_limit = 1G
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {folder}/users
}}
userdb {{
  driver = prefetch
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home={folder}/home/%n
}}
namespace inbox {{
  inbox = yes
}}
service anvil {{
  client_limit = 4000
}}
service auth {{
  client_limit = 8000
}}
service pop3-login {{
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {port}
    ssl = yes
  }}
  service_count = 0
  process_min_avail = 2
  client_limit = 2000
}}
service pop3 {{
  process_limit = 1200
  process_min_avail = 4
  service_count = 100
}}
{_ENCRYPTING if encrypting else ""}"""


_ENCRYPTING = """\
service lmtp {
  process_min_avail = 8
  process_limit = 100
  unix_listener lmtp {
    mode = 0666
  }
}
protocol lmtp {
  auth_username_format = %n
  mail_plugins = mail_crypt
}
mail_attribute_dict = file:%h/dovecot-attributes
plugin {
  mail_crypt_curve = prime256v1
  mail_crypt_save_version = 2
  mail_crypt_require_encrypted_user_key = yes
}
"""
