# SPDX-License-Identifier: Apache-2.0
"""
The database tables that configurations of known projects name in main.cf: files and a schema (of a server behind a socketmap:
what it answers) of the shape those projects use, asked beside stock Postfix.
"""

import os
import re
import socketserver
import threading
from pathlib import Path

import pytest
from support.databases import OpenLDAP
from support.instance import IS_ROOT, SOURCE
from test_databases import ask, compare_all, mariadb, needs_stock, postgresql, world  # noqa: F401

VECTORS = Path(os.environ.get("MERPATI_VECTORS", SOURCE.parent / "shared" / "vectors")) / "real-configs"
pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="databases run as users of their own: root alone starts them"),
    pytest.mark.skipif(not VECTORS.is_dir(), reason="the configurations are not there"),
]

KEYS = [
    "user@example.com", "user@alias.example", "o'neil@example.com", "info@example.com", "gone@example.com", "spam@example.com",
    "room@example.com", "user@backup.example", "nobody@example.com", "@example.com", "@alias.example", "example.com",
    "alias.example", "backup.example", "gone.example", "smtp.example.net", "' OR '1'='1", "back\\'slash@example.com", "user",
    "other@example.com", "split.example",
]

MAILCOW_SCHEMA = """
CREATE TABLE domain (domain VARCHAR(255), backupmx INT, active INT, relay_all_recipients INT, relayhost INT, relay_unknown_only INT);
CREATE TABLE alias_domain (alias_domain VARCHAR(255), target_domain VARCHAR(255), active INT);
CREATE TABLE mailbox (username VARCHAR(255), domain VARCHAR(255), active INT, kind VARCHAR(100), attributes TEXT,
  mailbox_path_prefix VARCHAR(150));
CREATE TABLE alias (address VARCHAR(255), goto TEXT, domain VARCHAR(255), active INT);
CREATE TABLE spamalias (address VARCHAR(255), goto TEXT, validity INT);
CREATE TABLE sender_acl (logged_in_as VARCHAR(255), send_as VARCHAR(255));
CREATE TABLE relayhosts (id INT, hostname VARCHAR(255), username VARCHAR(255), password VARCHAR(255), active INT);
CREATE TABLE transports (destination VARCHAR(255), nexthop VARCHAR(255), username VARCHAR(255), password VARCHAR(255), active INT);
CREATE TABLE tls_policy_override (dest VARCHAR(255), policy VARCHAR(50), parameters VARCHAR(255), active INT);
CREATE TABLE recipient_maps (old_dest VARCHAR(255), new_dest VARCHAR(255), active INT);
INSERT INTO domain VALUES ('example.com', 0, 1, 0, 1, 0), ('backup.example', 1, 1, 1, 0, 0), ('gone.example', 0, 0, 0, 0, 0);
INSERT INTO alias_domain VALUES ('alias.example', 'example.com', 1);
INSERT INTO mailbox VALUES
  ('user@example.com', 'example.com', 1, '', '{"mailbox_format": "maildir:", "tls_enforce_in": "1", "tls_enforce_out": "1"}', '/var/vmail/'),
  ('o''neil@example.com', 'example.com', 1, '', '{"mailbox_format": "maildir:", "tls_enforce_in": "0"}', '/var/vmail/'),
  ('room@example.com', 'example.com', 1, 'location', '{"mailbox_format": "maildir:"}', '/var/vmail/'),
  ('gone@example.com', 'example.com', 0, '', '{"mailbox_format": "maildir:"}', '/var/vmail/');
INSERT INTO alias VALUES ('user@example.com', 'user@example.com', 'example.com', 1),
  ('info@example.com', 'user@example.com,o''neil@example.com', 'example.com', 1),
  ('gone@example.com', 'null@localhost', 'example.com', 0), ('@example.com', 'user@example.com', 'example.com', 1);
INSERT INTO spamalias VALUES ('spam@example.com', 'user@example.com', 2000000000);
INSERT INTO sender_acl VALUES ('user@example.com', 'other@example.com'), ('user@example.com', '@alias.example'),
  ('o''neil@example.com', '*');
INSERT INTO relayhosts VALUES (1, '[smtp.example.net]:587', 'relay', 'pass:word', 1);
INSERT INTO transports VALUES ('example.com', '[smtp.example.net]:25', 'someone', 'secret', 1);
INSERT INTO tls_policy_override VALUES ('example.com', 'secure', 'match=.example.net', 1), ('backup.example', 'encrypt', '', 1);
INSERT INTO recipient_maps VALUES ('other@example.com', 'user@example.com', 1);
"""
ACTIVE_MAILBOX = "(mailbox.active = '1' OR mailbox.active = '2')"
MAILCOW = {
    "mysql_sasl_passwd_maps_transport_maps": "SELECT CONCAT_WS(':', username, password) AS auth_data FROM transports WHERE nexthop = '%s' "
    "AND active = '1' AND username != '' LIMIT 1;",
    "mysql_mbr_access_maps": "SELECT CONCAT('FILTER smtp_via_transport_maps:', nexthop) AS transport FROM transports WHERE "
    "'%s' REGEXP destination AND active='1';",
    "mysql_tls_enforce_in_policy": "SELECT IF(EXISTS(SELECT 'TLS_ACTIVE' FROM alias LEFT OUTER JOIN mailbox ON mailbox.username = alias.goto "
    "WHERE (address='%s' OR address IN (SELECT CONCAT('%u', '@', target_domain) FROM alias_domain WHERE alias_domain='%d')) "
    "AND JSON_UNQUOTE(JSON_VALUE(attributes, '$.tls_enforce_in')) = '1' AND mailbox.active = '1'), 'reject_plaintext_session', NULL) "
    "AS 'tls_enforce_in';",
    "mysql_virtual_relay_domain_maps": "SELECT domain FROM domain WHERE domain='%s' AND backupmx = '1' AND active = '1'",
    "mysql_relay_recipient_maps": "SELECT DISTINCT CASE WHEN '%d' IN (SELECT domain FROM domain WHERE relay_all_recipients=1 "
    "AND domain='%d' AND backupmx=1) THEN '%s' ELSE (SELECT goto FROM alias WHERE address='%s' AND active='1') END AS result;",
    "mysql_sender_dependent_default_transport_maps": "SELECT GROUP_CONCAT(transport SEPARATOR '') AS transport_maps FROM ("
    "SELECT IF(EXISTS(SELECT 'smtp_type' FROM alias LEFT OUTER JOIN mailbox ON mailbox.username = alias.goto WHERE (address = '%s' OR "
    "address IN (SELECT CONCAT('%u', '@', target_domain) FROM alias_domain WHERE alias_domain = '%d')) AND "
    "JSON_UNQUOTE(JSON_VALUE(attributes, '$.tls_enforce_out')) = '1' AND mailbox.active IN ('1', '2')), 'smtp_enforced_tls:', 'smtp:') "
    "AS 'transport' UNION ALL SELECT hostname AS transport FROM relayhosts LEFT OUTER JOIN domain ON domain.relayhost = relayhosts.id "
    "WHERE relayhosts.active = '1' AND domain = '%d') AS transport_view;",
    "mysql_virtual_sender_acl": "SELECT goto FROM alias WHERE address = '%s' AND active = '1' "
    "AND (domain IN (SELECT domain FROM domain WHERE domain = '%d' AND active = '1') OR domain IN (SELECT alias_domain FROM alias_domain "
    "WHERE alias_domain = '%d' AND active = '1')) UNION SELECT logged_in_as FROM sender_acl WHERE send_as = '@%d' OR send_as = '%s' OR "
    "send_as = '*' UNION SELECT username FROM mailbox, alias_domain WHERE alias_domain.alias_domain = '%d' AND mailbox.username = "
    "CONCAT('%u', '@', alias_domain.target_domain) AND " + ACTIVE_MAILBOX + " AND alias_domain.active = '1';",
    "mysql_virtual_alias_maps": "SELECT goto FROM alias WHERE address='%s' AND (active='1' OR active='2');",
    "mysql_virtual_resource_maps": "SELECT 'null@localhost' FROM mailbox WHERE kind REGEXP 'location|thing|group' AND username = '%s';",
    "mysql_virtual_spamalias_maps": "SELECT goto FROM spamalias WHERE address='%s' AND validity >= 1000000000",
    "mysql_virtual_alias_domain_maps": "SELECT username FROM mailbox, alias_domain WHERE alias_domain.alias_domain = '%d' AND "
    "mailbox.username = CONCAT('%u', '@', alias_domain.target_domain) AND " + ACTIVE_MAILBOX + " AND alias_domain.active='1'",
    "mysql_virtual_domains_maps": "SELECT alias_domain from alias_domain WHERE alias_domain='%s' AND active='1' UNION SELECT domain "
    "FROM domain WHERE domain='%s' AND active = '1' AND backupmx = '0'",
    "mysql_recipient_canonical_maps": "SELECT new_dest FROM recipient_maps WHERE old_dest='%s' AND active='1'",
    "mysql_virtual_mailbox_maps": "SELECT CONCAT(JSON_UNQUOTE(JSON_VALUE(attributes, '$.mailbox_format')), mailbox_path_prefix, '%d/%u/') "
    "FROM mailbox WHERE username='%s' AND " + ACTIVE_MAILBOX,
    "mysql_sasl_passwd_maps_sender_dependent": "SELECT CONCAT_WS(':', username, password) AS auth_data FROM relayhosts WHERE id IN "
    "(SELECT relayhost FROM domain WHERE CONCAT('@', domain) = '%s' OR domain = '%d') AND active = '1' AND username != '';",
    "mysql_tls_policy_override_maps": "SELECT CONCAT(policy, ' ', parameters) AS tls_policy FROM tls_policy_override WHERE active = '1' "
    "AND dest = '%s'",
    "mysql_relay_ne": "SELECT IF(EXISTS(SELECT address, domain FROM alias WHERE address = '%s' AND domain IN (SELECT domain FROM domain "
    "WHERE backupmx = '1' AND relay_unknown_only = '1')), 'lmtp:inet:dovecot:24', NULL) AS 'transport'",
    "mysql_transport_maps": "SELECT CONCAT('smtp_via_transport_maps:', nexthop) AS transport FROM transports WHERE active = '1' AND "
    "destination = '%s';",
}

FROXLOR_SCHEMA = """
CREATE TABLE panel_domains (domain VARCHAR(255), isemaildomain INT);
CREATE TABLE mail_users (email VARCHAR(255), username VARCHAR(255), homedir VARCHAR(255), maildir VARCHAR(255), customerid INT);
CREATE TABLE mail_virtual (email VARCHAR(255), email_full VARCHAR(255), destination TEXT, customerid INT, popaccountid INT);
CREATE TABLE mail_sender_aliases (email VARCHAR(255), allowed_sender VARCHAR(255));
INSERT INTO panel_domains VALUES ('example.com', 1), ('gone.example', 0);
INSERT INTO mail_users VALUES ('user@example.com', 'user@example.com', '/var/customers/mail/', 'web1/example.com/user/', 1);
INSERT INTO mail_virtual VALUES ('info@example.com', 'info@example.com', 'user@example.com o''neil@example.com', 1, 0),
  ('@example.com', 'other@example.com', 'user@example.com', 1, 0), ('user@example.com', 'user@example.com', 'user@example.com', 1, 1);
INSERT INTO mail_sender_aliases VALUES ('user@example.com', 'other@example.com');
"""
FROXLOR = {
    "mysql-virtual_mailbox_maps": "expansion_limit = 1\nquery = SELECT CONCAT(homedir, maildir) FROM mail_users WHERE email = '%s'",
    "mysql-virtual_mailbox_domains": "expansion_limit = 1\nquery = SELECT domain FROM panel_domains WHERE domain = '%s' AND isemaildomain = '1'",
    "mysql-virtual_alias_maps": "query = SELECT destination FROM mail_virtual AS mv WHERE email = '%s' AND destination <> '' AND "
    "(SELECT COUNT(*) FROM panel_domains WHERE domain = '%d' AND isemaildomain = '1') > 0",
    "mysql-virtual_sender_permissions": "query = SELECT DISTINCT username FROM mail_users WHERE email in ((SELECT mail_virtual.email_full FROM "
    "mail_virtual WHERE mail_virtual.email = '%s' UNION ALL (SELECT mail_virtual.email_full FROM mail_virtual WHERE mail_virtual.email = "
    "'@%d' ORDER BY mail_virtual.email DESC) UNION SELECT email FROM mail_sender_aliases WHERE allowed_sender = '%s'))",
}

MODOBOA_SCHEMA = """
CREATE TABLE admin_domain (id INT, name VARCHAR(255), type VARCHAR(20), enabled BOOLEAN, transport_id INT);
CREATE TABLE admin_domainalias (name VARCHAR(255), target_id INT, enabled BOOLEAN);
CREATE TABLE admin_alias (id INT, address VARCHAR(255), enabled BOOLEAN, internal BOOLEAN);
CREATE TABLE admin_aliasrecipient (address VARCHAR(255), alias_id INT);
CREATE TABLE admin_senderaddress (address VARCHAR(255), mailbox VARCHAR(255));
CREATE TABLE transport_transport (id INT, pattern VARCHAR(255), service VARCHAR(30), next_hop VARCHAR(255), enabled BOOLEAN);
CREATE TABLE relaydomains_recipientaccess (pattern VARCHAR(255), action VARCHAR(40));
INSERT INTO admin_domain VALUES (1, 'example.com', 'domain', TRUE, NULL), (2, 'gone.example', 'domain', FALSE, NULL),
  (3, 'backup.example', 'relaydomain', TRUE, 1), (4, 'split.example', 'domain', TRUE, 2);
INSERT INTO admin_domainalias VALUES ('alias.example', 1, TRUE);
INSERT INTO admin_alias VALUES (1, 'info@example.com', TRUE, FALSE), (2, 'user@example.com', TRUE, TRUE), (3, '@example.com', FALSE, FALSE);
INSERT INTO admin_aliasrecipient VALUES ('user@example.com', 1), ('o''neil@example.com', 1), ('user@example.com', 2), ('user@example.com', 3);
INSERT INTO admin_senderaddress VALUES ('other@example.com', 'user@example.com');
INSERT INTO transport_transport VALUES (1, 'backup.example', 'relay', '[smtp.example.net]:25', TRUE), (2, 'split.example', 'smtp', '[10.0.0.1]', TRUE);
INSERT INTO relaydomains_recipientaccess VALUES ('backup.example', 'reject_unverified_recipient');
"""
MODOBOA = {
    "sql-domains": "SELECT name FROM admin_domain WHERE name='%s' AND type='domain' AND enabled",
    "sql-domain-aliases": "SELECT dom.name FROM admin_domain dom INNER JOIN admin_domainalias domal ON dom.id=domal.target_id "
    "WHERE domal.name='%s' AND domal.enabled AND dom.enabled",
    "sql-aliases": "(SELECT alr.address FROM admin_aliasrecipient AS alr INNER JOIN admin_alias AS al ON alr.alias_id=al.id WHERE al.enabled "
    "AND al.address='%s' AND al.internal='0' AND alr.address<>'' ORDER BY alr.address) UNION ALL (SELECT '%u@' || dom.name FROM admin_domain dom "
    "INNER JOIN admin_domainalias domal ON dom.id=domal.target_id WHERE domal.name='%d' AND domal.enabled AND '%u'<>'')",
    "sql-relaydomains": "SELECT name FROM admin_domain WHERE name='%s' AND type='relaydomain' AND enabled",
    "sql-maintain": "SELECT '450 Requested mail action not taken: mailbox unavailable' FROM admin_domain WHERE name='%d' AND NOT enabled",
    "sql-relay-recipient-verification": "SELECT action FROM relaydomains_recipientaccess WHERE pattern='%d'",
    "sql-sender-login-map": "(SELECT address FROM admin_alias WHERE internal AND address='%s') UNION (SELECT mailbox FROM admin_senderaddress "
    "WHERE address='%s')",
    "sql-spliteddomains-transport": "SELECT 'lmtp:inet:' || tr.next_hop FROM admin_domain dom INNER JOIN transport_transport tr ON "
    "dom.transport_id=tr.id WHERE dom.name='%s' AND dom.type='domain' AND tr.enabled",
    "sql-transport": "SELECT service || ':' || next_hop FROM transport_transport WHERE pattern='%s' AND enabled",
}


def names_of(project, scheme):
    """The tables that main.cf names, outside comments."""
    lines = (line for line in (VECTORS / project / "main.cf").read_text().splitlines() if not line.startswith("#"))
    return {Path(name).stem for name in re.findall(rf"{scheme}([^\s,]+\.cf)", "\n".join(lines))}


def check(world, kind, login, texts, known):
    tables = {name: login + (text if "query =" in text else f"query = {text}") + "\n" for name, text in texts.items()}
    found = compare_all(world, kind, tables, KEYS)
    assert "error" not in found.values()
    for name, (key, value) in known.items():
        assert found[name][key] == value
    # An address with a quote in it is an address, and what would be a query finds nothing.
    assert all("' OR '1'='1" not in answers or name == "mysql_virtual_sender_acl"
               or "enforce" in name or "default_transport" in name for name, answers in found.items())


def test_tables_of_mailcow_and_froxlor(world, mariadb):  # noqa: F811
    needs_stock("mysql")
    assert names_of("mailcow", "mysql:") == set(MAILCOW)
    assert names_of("froxlor-mail", "mysql:") == set(FROXLOR)
    for name, schema in (("mailcow", MAILCOW_SCHEMA), ("froxlor", FROXLOR_SCHEMA)):
        mariadb.execute(f"CREATE DATABASE {name}; GRANT ALL ON {name}.* TO mail@'%'; USE {name}; {schema}")
    login = f"user = mail\npassword = {mariadb.password}\nhosts = unix:{mariadb.path}\n"
    check(world, "mysql", login + "dbname = mailcow\n", MAILCOW, {
        "mysql_virtual_alias_maps": ("info@example.com", "user@example.com,o'neil@example.com"),
        "mysql_virtual_mailbox_maps": ("o'neil@example.com", "maildir:/var/vmail/example.com/o'neil/"),
        "mysql_virtual_domains_maps": ("alias.example", "alias.example"),
        "mysql_virtual_alias_domain_maps": ("user@alias.example", "user@example.com"),
        "mysql_tls_enforce_in_policy": ("user@example.com", "reject_plaintext_session"),
        "mysql_sasl_passwd_maps_sender_dependent": ("user@example.com", "relay:pass:word"),
        "mysql_tls_policy_override_maps": ("example.com", "secure match=.example.net"),
    })
    check(world, "mysql", login + "dbname = froxlor\n", FROXLOR, {
        "mysql-virtual_mailbox_maps": ("user@example.com", "/var/customers/mail/web1/example.com/user/"),
        "mysql-virtual_alias_maps": ("info@example.com", "user@example.com o'neil@example.com"),
        "mysql-virtual_sender_permissions": ("other@example.com", "user@example.com"),
    })


def test_tables_of_modoboa(world, postgresql):  # noqa: F811
    needs_stock("pgsql")
    # The installer puts the type between the colons.
    assert names_of("modoboa", "proxy::") == set(MODOBOA)
    postgresql.execute("CREATE SCHEMA modoboa; SET search_path = modoboa;" + MODOBOA_SCHEMA + "ALTER ROLE mail SET search_path = modoboa;")
    login = f"user = mail\npassword = {postgresql.password}\ndbname = postgres\nhosts = 127.0.0.1:{postgresql.port}\n"
    check(world, "pgsql", login, MODOBOA, {
        "sql-domains": ("example.com", "example.com"),
        "sql-aliases": ("info@example.com", "o'neil@example.com,user@example.com"),
        "sql-transport": ("backup.example", "relay:[smtp.example.net]:25"),
        "sql-relay-recipient-verification": ("user@backup.example", "reject_unverified_recipient"),
    })


DIRECTORY = """\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=reader,dc=example,dc=com
objectClass: person
cn: reader
sn: reader
userPassword: reader's secret

dn: cn=example.com,dc=example,dc=com
objectClass: person
objectClass: mailThing
cn: example.com
sn: domain

dn: cn=user,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: mailThing
cn: user
sn: account
uid: user
mail: user@example.com
mail: o'neil@example.com
mailacceptinggeneralid: info@example.com
maildrop: other@example.com

dn: cn=team,dc=example,dc=com
objectClass: groupOfNames
objectClass: mailThing
cn: team
mail: room@example.com
member: cn=user,dc=example,dc=com
member: cn=gone,dc=example,dc=com

dn: cn=spam,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: mailThing
cn: spam
sn: account
uid: spam
mail: spam@example.com
"""
MAILSERVER2 = {
    "virtual-mailbox-domains": "query_filter = (&(sn=domain)(cn=%s))\nresult_attribute = cn\n",
    "virtual-mailbox-maps": "query_filter = (&(objectClass=inetOrgPerson)(mail=%s))\nresult_attribute = mail\nresult_format = %d/%u/\n"
                            "expansion_limit = 2\n",
    "virtual-alias-maps": "query_filter = (&(objectClass=inetOrgPerson)(mailacceptinggeneralid=%s))\nresult_attribute = mail\n",
    "virtual-forward-maps": "query_filter = (&(mail=%s)(maildrop=*))\nresult_attribute = maildrop\n",
    "virtual-group-maps": "query_filter = (&(objectClass=groupOfNames)(mail=%s))\nspecial_result_attribute = member\n"
                          "leaf_result_attribute = mail\nresult_attribute =\n",
    "sender-login-maps": "query_filter = (|(mail=%s)(mailacceptinggeneralid=%s))\nresult_attribute = mail, uid\n",
}
FEMINISTWIKI = {"ldap-vmailboxes": "query_filter = (uid=%u)\nresult_attribute = uid\nresult_format = %s/\ndomain = example.com\n"}


def test_tables_of_mailserver2_and_feministwiki(world):  # noqa: F811
    needs_stock("ldap")
    if OpenLDAP.why_not():
        pytest.skip(OpenLDAP.why_not())
    assert names_of("mailserver2", "ldap:") == set(MAILSERVER2)
    assert names_of("feministwiki", "ldap:") == set(FEMINISTWIKI)
    server = OpenLDAP(world / "directory")
    server.load(DIRECTORY)
    try:
        server.start()
        login = (f"server_host = 127.0.0.1\nserver_port = {server.port}\nversion = 3\nbind = yes\nbind_dn = {server.reader}\n"
                 "bind_pw = reader's secret\nsearch_base = dc=example,dc=com\nscope = sub\n")
        found = compare_all(world, "ldap", {name: login + text for name, text in {**MAILSERVER2, **FEMINISTWIKI}.items()}, KEYS)
    finally:
        server.stop()
    assert found["virtual-mailbox-domains"] == {"example.com": "example.com"}
    assert found["virtual-mailbox-maps"]["user@example.com"] == "example.com/user/,example.com/o'neil/"
    assert found["virtual-alias-maps"] == {"info@example.com": "user@example.com,o'neil@example.com"}
    assert found["virtual-forward-maps"]["o'neil@example.com"] == "other@example.com"
    assert found["virtual-group-maps"] == {"room@example.com": "user@example.com,o'neil@example.com"}
    assert found["sender-login-maps"]["spam@example.com"] == "spam,spam@example.com"
    assert found["ldap-vmailboxes"] == {"user@example.com": "user/", "spam@example.com": "spam/"}


MAILU = {
    "alias": {"user@example.com": "user@example.com", "info@example.com": "user@example.com,o'neil@example.com"},
    "domain": {"example.com": "example.com", "alias.example": "alias.example"},
    "mailbox": {"user@example.com": "user@example.com", "o'neil@example.com": "o'neil@example.com"},
    "transport": {"backup.example": "smtp:[smtp.example.net]:25"},
    "sendermap": {"other@example.com": "SRS0=aaaa=bb=example.com=other@example.net"},
    "recipientmap": {"room@example.com": "user@example.com"},
    "senderlogin": {"user@example.com": "user@example.com", "info@example.com": "user@example.com,o'neil@example.com"},
    "senderrate": {"spam@example.com": "REJECT daily quota exceeded"},
    "dane": {"example.com": "dane-only"},
}


class Podop(socketserver.StreamRequestHandler):
    """The server of all these tables: netstrings, "NAME KEY" and "OK VALUE" or "NOTFOUND "."""

    def handle(self):
        while length := b"".join(iter(lambda: self.rfile.read(1), b":") if self.rfile.peek(1) else ()):
            name, _, key = self.rfile.read(int(length)).decode().partition(" ")
            assert self.rfile.read(1) == b","
            value = MAILU[name].get(key)
            reply = b"NOTFOUND " if value is None else b"OK " + value.encode()
            self.wfile.write(b"%d:%s," % (len(reply), reply))


def test_tables_of_mailu(world):  # noqa: F811
    needs_stock("sqlite")
    text = "\n".join(line for line in (VECTORS / "mailu" / "main.cf").read_text().splitlines() if not line.startswith("#"))
    assert set(re.findall(r"\$\{podop\}(\w+)", text)) == set(MAILU)
    path = world / "podop.socket"
    with socketserver.ThreadingUnixStreamServer(str(path), Podop) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            for name, answers in MAILU.items():
                for side in ("stock", "ours"):
                    assert ask(world, side, f"socketmap:unix:{path}:{name}", KEYS) == {
                        key: value for key, value in answers.items() if key in KEYS
                    }
        finally:
            server.shutdown()
            thread.join()
