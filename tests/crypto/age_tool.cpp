// The crypto room on a command line, for tests/crypto/age_interop.py: standard input to standard
// output. Never installed; takes keys and passwords from files that only a test writes.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "crypto/age_stream.h"
#include "crypto/sealed_text.h"
#include "gateway/base/text.h"

namespace {

using Arguments = std::vector<std::string>;

constexpr std::size_t kPiece = 50'000;  // no divisor of a chunk
constexpr int kNotForMe = 2;            // wrong password, no stanza for this identity

std::string firstLine(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    while (std::getline(in, line) && line.starts_with('#')) {
    }
    return line;
}

std::string standardInput() { return {std::istreambuf_iterator<char>(std::cin), {}}; }

crypto::OpenKey identityIn(const std::string& file) {
    return crypto::OpenKey::parse(firstLine(file)).value();
}

crypto::Password passwordIn(const std::string& file) { return crypto::Password(firstLine(file)); }

/// Feeds standard input in pieces to `stage`, a Sealer's seal() or an Opener's open().
template <typename Step, typename Finish>
void stream(Step step, Finish finish) {
    std::string piece(kPiece, '\0');
    std::string out;
    while (std::cin.read(piece.data(), static_cast<std::streamsize>(piece.size())),
           std::cin.gcount() > 0) {
        const auto got = static_cast<std::size_t>(std::cin.gcount());
        step(gateway::octetsOf(std::string_view(piece).substr(0, got)), out);
        std::cout << out;
        out.clear();
    }
    finish(out);
    std::cout << out;
}

int seal(const Arguments& arguments) {
    crypto::Sealer sealer(crypto::SealKey::parse(arguments.at(0)).value());
    stream([&](auto in, std::string& out) { sealer.seal(in, out); },
           [&](std::string& out) { sealer.finish(out); });
    return EXIT_SUCCESS;
}

int open(const Arguments& arguments) {
    crypto::Opener opener(identityIn(arguments.at(0)));
    stream([&](auto in, std::string& out) { opener.open(in, out); },
           [&](std::string& out) { opener.finish(out); });
    return EXIT_SUCCESS;
}

int print(const std::optional<crypto::SecretBuffer>& text) {
    if (!text) {
        return kNotForMe;
    }
    std::cout << text->text();
    return EXIT_SUCCESS;
}

int openText(const Arguments& arguments) {
    return print(crypto::openWithIdentity(standardInput(), identityIn(arguments.at(0))));
}

int sealPassphrase(const Arguments& arguments) {
    std::cout << crypto::sealToPassphrase(standardInput(), passwordIn(arguments.at(0)),
                                          std::stoi(arguments.at(1)));
    return EXIT_SUCCESS;
}

int openPassphrase(const Arguments& arguments) {
    return print(crypto::openWithPassphrase(standardInput(), passwordIn(arguments.at(0))));
}

int armor(const Arguments&) {
    std::cout << crypto::armor(standardInput());
    return EXIT_SUCCESS;
}

/// Prints a new identity as age-keygen would.
int keygen(const Arguments&) {
    const crypto::OpenKey key = crypto::OpenKey::generate();
    std::cout << "# public key: " << key.sealKey().str() << '\n' << key.text().text() << '\n';
    return EXIT_SUCCESS;
}

int password(const Arguments&) {
    std::cout << crypto::Password::generate().view() << '\n';
    return EXIT_SUCCESS;
}

int sealIdentity(const Arguments& arguments) {
    std::cout << crypto::sealIdentity(identityIn(arguments.at(0)), arguments.at(1),
                                      passwordIn(arguments.at(2)));
    return EXIT_SUCCESS;
}

int openIdentity(const Arguments& arguments) {
    const auto expected = crypto::SealKey::parse(arguments.at(1)).value();
    const std::optional<crypto::OpenKey> identity = crypto::openIdentity(
        standardInput(), arguments.at(0), expected, passwordIn(arguments.at(2)));
    return print(identity ? std::optional(identity->text()) : std::nullopt);
}

}  // namespace

int main(int count, char** values) try {
    const std::map<std::string, int (*)(const Arguments&)> commands{
        {"seal", seal},                       // RECIPIENT
        {"open", open},                       // IDENTITY-FILE
        {"open-text", openText},              // IDENTITY-FILE
        {"seal-passphrase", sealPassphrase},  // PASSWORD-FILE LOG-N
        {"open-passphrase", openPassphrase},  // PASSWORD-FILE
        {"armor", armor},
        {"keygen", keygen},
        {"password", password},
        {"seal-identity", sealIdentity},  // IDENTITY-FILE MAILBOX PASSWORD-FILE
        {"open-identity", openIdentity},  // MAILBOX RECIPIENT PASSWORD-FILE
    };
    const Arguments arguments(values + 1, values + count);
    return commands.at(arguments.at(0))({arguments.begin() + 1, arguments.end()});
} catch (const std::exception& error) {
    std::fprintf(stderr, "age_tool: %s\n", error.what());
    return EXIT_FAILURE;
}
