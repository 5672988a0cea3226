// Runs the public age test vectors (C2SP CCTV) through the crypto room, one file each: a text
// header with what to expect, an empty line, an age file. Never fetches them; age_vectors.py does.
// Usage: age_vectors FOLDER
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <openssl/sha.h>

#include "crypto/age_header.h"
#include "crypto/age_payload.h"
#include "crypto/age_stream.h"
#include "crypto/sealed_text.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace {

struct Vector {
    std::string expect;
    std::string payloadHash;
    std::vector<crypto::OpenKey> identities;
    std::vector<crypto::Password> passphrases;
    bool leftOut = false;  ///< made for a recipient type that Postern does not have
    bool armored = false;
    std::string file;
};

/// What opening gave: one of the specification's classes, and what was given out before it failed.
struct Outcome {
    std::string what;
    std::string payload;
};

Vector readVector(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    Vector vector;
    for (std::string line; std::getline(in, line) && !line.empty();) {
        const std::size_t colon = line.find(": ");
        const std::string key = line.substr(0, colon);
        const std::string value = line.substr(colon + 2);
        if (key == "expect") {
            vector.expect = value;
        } else if (key == "payload") {
            vector.payloadHash = value;
        } else if (key == "passphrase") {
            vector.passphrases.emplace_back(value);
        } else if (key == "armored") {
            vector.armored = value == "yes";
        } else if (key == "identity") {
            std::optional<crypto::OpenKey> identity = crypto::OpenKey::parse(value);
            if (identity) {
                vector.identities.push_back(std::move(*identity));
            } else {
                vector.leftOut = true;
            }
        } else if (key != "file key" && key != "comment") {
            throw std::runtime_error("age_vectors: " + path.string() + ": unknown key " + key);
        }
    }
    vector.file = {std::istreambuf_iterator<char>(in), {}};
    if (vector.identities.empty() && vector.passphrases.empty()) {
        vector.identities.push_back(crypto::OpenKey::generate());
    }
    return vector;
}

bool unwrapAny(const crypto::AgeHeader& header, const Vector& vector, crypto::FileKey& fileKey) {
    for (const crypto::Password& passphrase : vector.passphrases) {
        if (header.scrypt && crypto::unwrapFileKey(*header.scrypt, passphrase, fileKey)) {
            return true;
        }
    }
    for (const crypto::OpenKey& identity : vector.identities) {
        for (const crypto::X25519Stanza& stanza : header.x25519) {
            if (crypto::unwrapFileKey(stanza, identity.octets(), identity.sealKey(), fileKey)) {
                return true;
            }
        }
    }
    return false;
}

/// The parts, one after the other, so that each class of failure has one place it can come from.
Outcome openInParts(const std::string& binary, const Vector& vector) {
    Outcome outcome{"header failure", ""};
    try {
        const crypto::AgeHeader header = crypto::parseAgeHeader(binary);
        crypto::FileKey fileKey;
        if (!unwrapAny(header, vector, fileKey)) {
            return {"no match", ""};
        }
        outcome.what = "HMAC failure";
        crypto::checkMac(header, fileKey);
        if (binary.size() < header.size + crypto::kNonceSize) {
            return {"header failure", ""};
        }
        outcome.what = "payload failure";
        crypto::PayloadNonce nonce{};
        const auto payload = gateway::octetsOf(binary).subspan(header.size);
        std::copy_n(payload.begin(), nonce.size(), nonce.begin());
        crypto::PayloadOpener opener(fileKey, nonce);
        opener.open(payload.subspan(nonce.size()), outcome.payload);
        opener.finish(outcome.payload);
        outcome.what = "success";
    } catch (const gateway::Error&) {
    }
    return outcome;
}

Outcome openVector(const Vector& vector) {
    if (!vector.armored) {
        return openInParts(vector.file, vector);
    }
    const std::optional<std::string> binary = crypto::dearmor(vector.file);
    return binary ? openInParts(*binary, vector) : Outcome{"armor failure", ""};
}

/// The class of failure that a message's beginning tells, or the message.
std::string classOf(std::string_view message) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kClasses{
        {{"age header: not sealed to a passphrase", "no match"},
         {"age header MAC: ", "HMAC failure"},
         {"age header: ", "header failure"},
         {"age payload: ", "payload failure"},
         {"age armor: ", "armor failure"}}};
    for (const auto& [beginning, name] : kClasses) {
        if (message.starts_with(beginning)) {
            return std::string(name);
        }
    }
    return std::string(message);
}

/// The class as openWithIdentity() and openWithPassphrase() show it: their message begins with it.
Outcome openAsText(const Vector& vector) {
    Outcome outcome{"no match", ""};
    const auto take = [&](const std::optional<crypto::SecretBuffer>& opened) {
        if (opened) {
            outcome = {"success", std::string(opened->text())};
        }
    };
    try {
        for (const crypto::Password& passphrase : vector.passphrases) {
            take(crypto::openWithPassphrase(vector.file, passphrase));
        }
        for (const crypto::OpenKey& identity : vector.identities) {
            take(crypto::openWithIdentity(vector.file, identity));
        }
    } catch (const gateway::Error& error) {
        outcome.what = classOf(error.what());
    }
    return outcome;
}

std::string hashOf(const std::string& payload) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
    SHA256(reinterpret_cast<const unsigned char*>(payload.data()), payload.size(), hash.data());
    return gateway::hexOf(std::as_bytes(std::span(hash)));
}

/// The message opener takes binary files of one stanza only; of those it must say the same.
std::string complaintOfOpener(const Vector& vector, const Outcome& parts) {
    Outcome outcome{"failure", ""};
    try {
        crypto::Opener opener(vector.identities.at(0));
        opener.open(gateway::octetsOf(vector.file), outcome.payload);
        opener.finish(outcome.payload);
        outcome.what = "success";
    } catch (const gateway::Error&) {
    }
    const bool message =
        parts.what == "success" && crypto::parseAgeHeader(vector.file).size == crypto::kHeaderSize;
    if ((outcome.what == "success") != message) {
        return "the message opener says " + outcome.what;
    }
    const bool reached = message || parts.what == "payload failure";
    return outcome.payload == (reached ? parts.payload : "")
               ? ""
               : "the message opener gives other text";
}

std::string complaint(const Vector& vector) {
    const std::string& wanted = vector.expect;
    const Outcome parts = openVector(vector);
    const bool noMatch = vector.leftOut && parts.what == "no match";
    if (parts.what != wanted && !noMatch) {
        return "expected " + wanted + ", got " + parts.what;
    }
    if (!noMatch && !vector.payloadHash.empty() && hashOf(parts.payload) != vector.payloadHash) {
        return "what was given out has another hash";
    }
    const Outcome text = openAsText(vector);
    // Where something stands before the armor, a text that may be either counts as binary.
    const bool takenForBinary = parts.what == "armor failure" && !vector.file.starts_with('-') &&
                                text.what == "header failure";
    if (text.what != parts.what && !takenForBinary) {
        return "as a text it gives " + text.what + " instead of " + parts.what;
    }
    if (text.what == "success" && text.payload != parts.payload) {
        return "as a text it gives another payload";
    }
    if (!vector.armored && vector.passphrases.empty()) {
        return complaintOfOpener(vector, parts);
    }
    return "";
}

}  // namespace

int main(int count, char** values) {
    if (count != 2) {
        std::fprintf(stderr, "usage: age_vectors FOLDER\n");
        return EXIT_FAILURE;
    }
    std::map<std::string, int> passed;
    int failed = 0;
    for (const auto& entry : std::filesystem::directory_iterator(values[1])) {
        const Vector vector = readVector(entry.path());
        const std::string wrong = complaint(vector);
        if (wrong.empty()) {
            ++passed[vector.leftOut ? "of a recipient type left out" : vector.expect];
        } else {
            ++failed;
            std::printf("FAILED %s: %s\n", entry.path().filename().c_str(), wrong.c_str());
        }
    }
    int all = 0;
    for (const auto& [what, number] : passed) {
        std::printf("%4d %s\n", number, what.c_str());
        all += number;
    }
    std::printf("age_vectors: %d passed, %d failed\n", all, failed);
    return failed == 0 && all > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
