"""Values that a plugin could not be opened with are refused when the channel is saved, with file, line and field, in the reader's language."""
import json
import os
import shutil

import pytest

from rig.program import BUILD, ROOT

pytestmark = pytest.mark.quick

SECRET = {"env": "LANTOA_TEST_SECRET"}
ENV = {"LANTOA_TEST_SECRET": "0:bad token?"}
GATEWAY = {"request": {"url": "{{base_url}}/send", "json": {"to": "{{number}}", "text": "{{tekst}}"}}, "answer": [{"outcome": "sent"}]}
EMAIL = {"host": "127.0.0.1", "port": 25, "tls": "none", "from": "Sở Y tế <a@example.vn>"}
SMPP = {"host": "127.0.0.1", "system_id": "lantoa"}
ZALO = {"api_url": "https://a.example", "oauth_url": "https://b.example", "app_id": "1", "app_secret": "s", "refresh_token": "r"}
TELEGRAM = {"api_url": "http://127.0.0.1:1", "token": "1:abc", "receive": "poll"}

# plugin, options, option at fault, part of the English text, part of the Vietnamese one
CASES = [
    ("email", {**EMAIL, "from": "the office"}, "from", "is not a mail address", "không phải là địa chỉ thư"),
    ("email", {**EMAIL, "host": "mail server"}, "host", "is not the name or address of a server", "không phải là tên hoặc địa chỉ máy chủ"),
    ("email", {**EMAIL, "dkim_key": "none.pem", "dkim_selector": "s"}, "dkim_key", "none.pem cannot be opened", "không mở được tệp"),
    ("email", {**EMAIL, "dkim_key": "empty.pem", "dkim_selector": "s"}, "dkim_key", "holds no PEM private key", "không chứa khoá riêng"),
    ("email", {**EMAIL, "helo": "a b"}, "helo", "is not a host name", "không phải là tên máy"),
    ("email", {**EMAIL, "lmtp_listen": "everywhere"}, "lmtp_listen", "is not address:port", "không có dạng địa-chỉ:cổng"),
    ("email", {**EMAIL, "tls": "tls", "tls_ca": "empty.pem"}, "tls_ca", "holds no certificates", "không có chứng thư"),
    ("email", {**EMAIL, "list_unsubscribe_url": "http://x/{key}"}, "list_unsubscribe_url", "is not an https address", "không phải là địa chỉ https"),
    ("sms-smpp", {**SMPP, "system_id": "l" * 40}, "system_id", "too long for SMPP", "dài quá mức SMPP"),
    ("sms-smpp", {**SMPP, "tls": "tls", "tls_ca": "none.pem"}, "tls_ca", "holds no certificates", "không có chứng thư"),
    ("sms-http", {"declaration": "gateway.json", "base_url": "http://127.0.0.1:1"}, "declaration",
     'gateway.json: field request.json.text: there is no field "tekst" here', 'trường request.json.text: ở đây không có trường "tekst"'),
    ("sms-http", {"declaration": "none.json", "base_url": "http://127.0.0.1:1"}, "declaration", "none.json", "không đọc được"),
    ("sms-http", {"declaration": "good.json", "base_url": "http://127.0.0.1:1", "extra": "[]"}, "extra", "is no JSON object", "đối tượng JSON"),
    ("loudspeaker", {"keys": SECRET}, "keys", "line 1: must be a name and a key", "dòng 1: phải là một tên và một khoá"),
    ("loudspeaker", {"listen": "8090"}, "listen", "must be an address and a port", "phải là một địa chỉ và một cổng"),
    ("loudspeaker", {"mqtt": "http://127.0.0.1"}, "mqtt", "must be mqtt://HOST:PORT", "phải có dạng mqtt://"),
    ("loudspeaker", {"multicast_via": "203.0.113.9"}, "multicast_via", "is no IPv4 address of this machine", "không phải là địa chỉ IPv4"),
    ("telegram", {**TELEGRAM, "token": SECRET}, "token", "has signs that no token of a bot has", "có ký tự mà mã bot"),
    ("telegram", {**TELEGRAM, "receive": "webhook"}, "callback_secret", "is needed when receive is webhook", "phải có khi receive là webhook"),
    ("telegram", {**TELEGRAM, "api_url": "api.telegram.org"}, "api_url", "is not the address of a server", "không phải là địa chỉ máy chủ"),
    ("mastodon", {"url": "htps://social.example", "token": "t"}, "url", "is not the address of a server", "không phải là địa chỉ máy chủ"),
    ("facebook-page", {"api_url": "https://", "page_id": "1", "token": "t"}, "api_url", "is not the address of a server", "không phải là địa chỉ máy chủ"),
    ("zalo-post", {**ZALO, "oauth_url": "https://oauth.zaloapp.com/?a"}, "oauth_url", "is not the address of a server", "không phải là địa chỉ máy chủ"),
    ("zns", {**ZALO, "api_url": "https://a b"}, "api_url", "is not the address of a server", "không phải là địa chỉ máy chủ"),
    ("telegram-post", {**TELEGRAM, "chat": "@loa", "receive": "webhook"}, "callback_secret", "is needed", "phải có khi"),
]


@pytest.fixture
def folder(data, made):
    made.init()
    for name, text in [("empty.pem", ""), ("gateway.json", json.dumps(GATEWAY)), ("good.json", json.dumps(GATEWAY).replace("tekst", "text"))]:
        with open(os.path.join(data.dir, name), "w", encoding="utf-8") as file:
            file.write(text)
    data.env.update(ENV)
    return data


def line_of(path, option):
    """Where the option stands, or the options, when it is missing."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.lstrip().startswith(f'"{option}"')),
                next(number for number, line in enumerate(lines, 1) if '"options"' in line))


@pytest.mark.parametrize("plugin,options,option,english,vietnamese", CASES, ids=[f"{case[0]}-{case[2]}-{i}" for i, case in enumerate(CASES)])
def test_refused_before_it_is_stored(folder, plugin, options, option, english, vietnamese):
    path = folder.write("c.json", {"name": "c", "plugin": plugin, "options": options})
    message = folder.refused("channel", "apply", path)
    assert f"c.json:{line_of(path, option)}:" in message and f"options.{option}" in message and english in message, message
    assert len(message.splitlines()) == 1 and ENV["LANTOA_TEST_SECRET"] not in message, message
    assert vietnamese in folder.refused("channel", "apply", path, env={"LANTOA_LANG": "vi"})
    assert folder.rows("channel", "list") == []


def test_a_change_that_is_refused_leaves_the_channel_as_it_was(folder):
    folder.ok("channel", "apply", folder.write("c.json", {"name": "c", "plugin": "email", "options": EMAIL}))
    before = folder.ok("channel", "export", "c").out
    folder.refused("channel", "apply", folder.write("c.json", {"name": "c", "plugin": "email", "options": {**EMAIL, "from": "x"}}))
    assert folder.ok("channel", "export", "c").out == before


def test_good_values_are_taken(folder):
    for number, (plugin, options) in enumerate([("email", EMAIL), ("sms-smpp", SMPP), ("telegram", TELEGRAM), ("loudspeaker", {"listen": "[::1]:0"}), ("zalo-oa", ZALO),
                                                ("mastodon", {"url": "http://[::1]:80/dir", "token": "t"}),
                                                ("sms-http", {"declaration": "good.json", "base_url": "http://127.0.0.1:1"})]):
        folder.ok("channel", "apply", folder.write("c.json", {"name": f"c{number}", "plugin": plugin, "options": options}))


def test_a_declared_channel_with_a_template_that_names_nothing(folder, scratch):
    with open(os.path.join(ROOT, "plugins", "http", "example", "postbox.json"), encoding="utf-8") as file:
        text = file.read().replace("{{brand}}", "{{brend}}")
    plugins = os.path.join(scratch, "plugins")
    os.mkdir(plugins)
    shutil.copy(os.path.join(BUILD, "plugins", "http.so"), plugins)
    with open(os.path.join(plugins, "postbox.json"), "w", encoding="utf-8") as file:
        file.write(text)
    folder.env["LANTOA_PLUGINS"] = plugins
    channel = folder.write("c.json", {"name": "c", "plugin": "postbox", "options": {"base_url": "http://127.0.0.1:1", "token": "t"}})
    assert 'postbox: field request.json.from: there is no field "brend" here' in folder.refused("channel", "apply", channel)
    assert 'trường request.json.from: ở đây không có trường "brend"' in folder.refused("channel", "apply", channel, env={"LANTOA_LANG": "vi"})
    assert folder.rows("channel", "list") == []


@pytest.mark.parametrize("how,words", [("crash", "signal"), ("silent", "not allowed"), ("unreadable", "not allowed")])
def test_a_plugin_whose_check_is_faulty(folder, how, words):
    folder.env["LANTOA_PLUGINS"] = os.path.join(BUILD, "tests", "plugins")
    message = folder.refused("channel", "apply", folder.write("c.json", {"name": "c", "plugin": "bad-check", "options": {"how": how}}))
    assert words in message and "c.json:" in message and len(message.splitlines()) == 1, message
    assert folder.rows("channel", "list") == []
    folder.ok("channel", "apply", folder.write("c.json", {"name": "c", "plugin": "bad-check", "options": {}}))


def test_a_secret_that_is_not_there(folder):
    """A relative path starts at the data folder, which only the host knows of."""
    path = folder.write("c.json", {"name": "c", "plugin": "email", "options": {**EMAIL, "user": "a", "password": {"file": "secrets/none"}}})
    message = folder.refused("channel", "apply", path)
    assert "c.json:" in message and 'option "password"' in message and "secrets/none" in message and len(message.splitlines()) == 1, message
    assert 'tùy chọn "password"' in folder.refused("channel", "apply", path, env={"LANTOA_LANG": "vi"})
    assert folder.rows("channel", "list") == []
