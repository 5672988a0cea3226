#include "gateway/mail/record_digest.h"

#include "crypto/digest.h"
#include "gateway/base/text.h"

namespace gateway {

namespace {

std::string hashOf(const std::string& text) { return hexOf(crypto::sha256(octetsOf(text))); }

}  // namespace

std::string digestOf(const NodeFile& file) {
    std::string text;
    for (const Statement& statement : file.statements) {
        text += statement.canonical();
        text += '\n';
        text += statement.fields().at("signature").get_ref<const std::string&>();
        text += '\n';
    }
    return hashOf(text);
}

std::string digestOf(const RecordDigests& digests) {
    std::string text;
    for (const auto& [key, digest] : digests) {
        text += lineOf(key, digest);
    }
    return hashOf(text);
}

std::string lineOf(const RecordFileKey& key, const std::string& digest) {
    return key.mailbox.str() + ' ' + key.node.str() + ' ' + key.key.str() + ' ' + digest + '\n';
}

}  // namespace gateway
