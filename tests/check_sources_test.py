#!/usr/bin/env python3
"""Each house rule, broken once in a made-up tree, is found by check_sources.py; and good code is left alone."""
import pathlib
import sys
import tempfile

import check_sources

HEAD = "// What it is. Never anything else.\n"
TALL = "    ++n;\n" * 60
CASES = {  # name -> (path, text, the rule that must be named, or None)
    "layering upwards": ("crypto/a.cpp", HEAD + '#include "gateway/mail/x.h"\n', "crypto/ may not include gateway/mail/"),
    "layering downwards": ("gateway/mail/a.cpp", HEAD + '#include "crypto/x.h"\n', None),
    "smtp and pop3 apart": ("smtp/a.cpp", HEAD + '#include "pop3/x.h"\n', "smtp/ may not include pop3/"),
    "nobody includes the roof": ("pop3/a.cpp", HEAD + '#include "gateway/x.h"\n', "pop3/ may not include gateway/"),
    "include from the root": ("smtp/a.cpp", HEAD + '#include "b.h"\n', "include from the repository root"),
    "sodium": ("smtp/a.cpp", HEAD + "#include <sodium.h>\n", "belongs in crypto/"),
    "openssl in tls": ("gateway/net/tls_context.cpp", HEAD + "#include <openssl/ssl.h>\n", None),
    "openssl elsewhere": ("gateway/net/listener.cpp", HEAD + "#include <openssl/ssl.h>\n", "belongs in"),
    "toml": ("gateway/mail/record.cpp", HEAD + "#include <toml++/toml.h>\n", "belongs in gateway/config"),
    "fsync": ("gateway/store/a.cpp", HEAD + "void f() { ::fsync(3); }\n", "gateway/base/durable_file"),
    "fsync in a comment": ("gateway/store/a.cpp", HEAD + "// no fsync() here\n", None),
    "detached": ("smtp/a.cpp", HEAD + "void f() { spawn(asio::detached); }\n", "belongs in gateway/net/listener"),
    "key in smtp": ("smtp/a.cpp", HEAD + "void f(crypto::OpenKey key);\n", "no place in smtp/"),
    "core file with Asio": ("smtp/session.cpp", HEAD + "#include <asio.hpp>\n", "does no I/O"),
    "core file with a file": ("pop3/dot_writer.h", HEAD + "#pragma once\n#include <filesystem>\n", "knows no files"),
    "layout knows paths": ("gateway/mail/layout.h", HEAD + "#pragma once\n#include <filesystem>\n", None),
    "long file": ("smtp/a.cpp", HEAD + "\n" * 400, "more than 400 lines"),
    "long script": ("packaging/a.py", "\n" * 401, "more than 400 lines"),
    "long function": ("smtp/a.cpp", HEAD + "int f(int n) {\n" + TALL + "    return n;\n}\n", "a function of 63 lines"),
    "long constructor": ("smtp/a.cpp", HEAD + "A::A(int n) : m_a{1}, m_b(n) {\n" + TALL + "}\n", "of 62 lines"),
    "long member": ("smtp/a.h", HEAD + "#pragma once\nclass A {\n    int f() const {\n" + TALL + "    }\n};\n", "of 62"),
    "long test case": ("tests/a.cpp", HEAD + 'TEST_CASE("x") {\n' + TALL + "}\n", "of 62 lines"),
    "short functions in a long class": ("smtp/a.cpp", HEAD + "class A {\n" + "    int f() { return 1; }\n" * 80 + "};\n", None),
    "long table": ("smtp/a.cpp", HEAD + "const int k[] = {\n" + "    1,\n" * 80 + "};\n", None),
    "braces in literals": ("smtp/a.cpp", HEAD + "int f() {\n    return '{' + \"{\"[0];\n}\n" + "int g();\n" * 80, None),
    "header unguarded": ("smtp/a.h", HEAD, "#pragma once"),
    "no word about the file": ("smtp/a.cpp", "int a;\n", "does not start with"),
    "empty name": ("smtp/string_utils.cpp", HEAD, "says nothing"),
    "left for later": ("smtp/a.cpp", HEAD + "// TODO this\n", "finish it"),
    "captures in co_await": ("smtp/a.cpp", HEAD + "T f() {\n    co_await g([x] { h(); });\n}\n", ":3: name the lambda"),
    "aggregate in co_await": ("smtp/a.cpp", HEAD + "T f() {\n    co_await send(Reply{250, t});\n}\n", ":3: name the"),
    "braces in co_await": ("smtp/a.cpp", HEAD + "T f() {\n    x = co_await send(\n        {250, t});\n}\n", ":3: name the"),
    "aggregate after co_await": ("smtp/a.cpp", HEAD + "T f() {\n    if (co_await g(a[1])) {\n        return Reply{250};\n"
                                 "    }\n}\n", None),
    "co_await in a branch": ("smtp/a.cpp", HEAD + "T f() {\n    x = y ? co_await g() : co_await h();\n}\n", ":3: write an if"),
    "co_await in the other": ("smtp/a.cpp", HEAD + "T f() {\n    x = y ? z : co_await a::h();\n}\n", ":3: write an if"),
    "co_await before a ?": ("smtp/a.cpp", HEAD + "T f() {\n    x = co_await g(a::b) ? 1 : 2;\n    co_await h();\n}\n", None),
    "captureless lambda": ("smtp/a.cpp", HEAD + "T f() {\n    co_await g([](int) {});\n}\n", None),
}


def breaches_in(path, text):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name in (path, "gateway/mail/x.h", "crypto/x.h", "pop3/x.h", "gateway/x.h"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text if name == path else HEAD + "#pragma once\n")
        return [f"{file}:{line}: {rule}" for file, line, rule in check_sources.check(root)[0]]


failed = 0
for name, (path, text, rule) in CASES.items():
    found = breaches_in(path, text)
    if not (len(found) == 1 and rule in found[0] if rule else not found):
        failed += 1
        print(f"{name}: wanted {rule or 'no breach'}, found {found or 'none'}")
print(f"{len(CASES) - failed} passed, {failed} failed, 0 skipped")
sys.exit(bool(failed))
