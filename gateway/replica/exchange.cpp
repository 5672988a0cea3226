#include "gateway/replica/exchange.h"

#include <algorithm>
#include <set>

#include "gateway/base/text.h"

namespace gateway::replica {

namespace {

/// The largest part of a bundle, where its file can be cut.
constexpr std::size_t kLargestPart = kMostBundle - kUsualBundle - 1024;
constexpr std::size_t kMostParts = 10'000;

/// What stands before the next `end`, which is taken too; nothing where there is none.
std::optional<std::string_view> cut(std::string_view& text, char end) {
    const std::size_t at = text.find(end);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view part = text.substr(0, at);
    text.remove_prefix(at + 1);
    return part;
}

std::optional<MailboxId> parseMailbox(std::string_view text) {
    auto id = MailboxId::parse(text);
    return id && id->str() == text ? id : std::nullopt;  // one spelling only
}

void addFile(Bundle& bundle, const MailboxId& mailbox, std::string_view toml) {
    const Record::Reading reading = Record::read(mailbox, toml);
    if (!reading.file) {
        ++bundle.refused;
        return;
    }
    const NodeFile sound = reading.file->soundPart();
    if (!reading.problem.empty() || sound.statements.size() < reading.file->statements.size()) {
        ++bundle.refused;
    }
    if (sound.statements.empty()) {
        return;
    }
    ++bundle.files;
    if (bundle.records.empty() || bundle.records.back().mailbox() != mailbox) {
        bundle.records.emplace_back(mailbox);
    }
    bundle.records.back().unite(sound);
}

}  // namespace

std::string nameOf(const RecordFileKey& key) {
    return key.mailbox.str() + ' ' + key.node.str() + ' ' + key.key.str();
}

std::optional<RecordFileKey> parseName(std::string_view text) {
    const auto mailbox = cut(text, ' ');
    const auto node = cut(text, ' ');
    auto id = parseMailbox(mailbox.value_or(""));
    auto speaker = NodeId::parse(node.value_or(""));
    auto key = crypto::VerifyKey::parse(text);
    if (!id || !speaker || !key) {
        return std::nullopt;
    }
    return RecordFileKey(std::move(*id), std::move(*speaker), std::move(*key));
}

std::string formatList(const RecordDigests& digests) {
    std::string text;
    for (const auto& [key, digest] : digests) {
        text += lineOf(key, digest);
    }
    return text;
}

std::optional<RecordDigests> parseList(std::string_view text) {
    RecordDigests digests;
    if (text.size() > kMostList) {
        return std::nullopt;
    }
    while (!text.empty()) {
        const std::string_view line = cut(text, '\n').value_or("");
        const std::size_t blank = line.rfind(' ');
        if (blank == std::string_view::npos || !isDigest(line.substr(blank + 1))) {
            return std::nullopt;
        }
        auto key = parseName(line.substr(0, blank));
        if (!key || (!digests.empty() && !(digests.rbegin()->first < *key))) {
            return std::nullopt;
        }
        digests.emplace_hint(digests.end(), std::move(*key), line.substr(blank + 1));
    }
    return digests;
}

void BundleWriter::add(const MailboxId& mailbox, const NodeFile& file) {
    const std::string toml = Record::toToml(mailbox, file);
    const std::size_t count = file.statements.size();
    if (toml.size() <= kLargestPart || count < 2) {
        addPart(mailbox, toml);
        return;
    }
    NodeFile half(file.node, file.nodeKey, file.nodeName);
    NodeFile rest = half;
    const auto middle = file.statements.begin() + static_cast<std::ptrdiff_t>(count / 2);
    half.statements.assign(file.statements.begin(), middle);
    rest.statements.assign(middle, file.statements.end());
    add(mailbox, half);
    add(mailbox, rest);
}

void BundleWriter::addPart(const MailboxId& mailbox, const std::string& toml) {
    if (toml.size() > kMostBundle - 1024) {
        return;  // one statement, larger than anybody makes it; the list shows that it is missing
    }
    if (m_parts.empty() || m_parts.back().size() >= kUsualBundle ||
        m_parts.back().size() + toml.size() > kMostBundle - 1024) {
        m_parts.emplace_back();
    }
    m_parts.back() += mailbox.str() + ' ' + std::to_string(toml.size()) + '\n' + toml + '\n';
}

std::optional<Bundle> parseBundle(std::string_view text) {
    Bundle bundle;
    for (std::size_t parts = 0; !text.empty(); ++parts) {
        std::string_view head = cut(text, '\n').value_or("");
        const auto mailbox = parseMailbox(cut(head, ' ').value_or(""));
        const auto octets = parseDecimal(head);
        if (!mailbox || !octets || *octets >= text.size() || text[*octets] != '\n' ||
            *octets > NodeFile::kMostOctets || parts >= kMostParts) {
            return std::nullopt;
        }
        addFile(bundle, *mailbox, text.substr(0, *octets));
        text.remove_prefix(*octets + 1);
    }
    return bundle;
}

std::vector<RecordFileKey> lackingOf(const RecordDigests& ours, const RecordDigests& theirs) {
    std::vector<RecordFileKey> lacking;
    for (const auto& [key, digest] : theirs) {
        const auto found = ours.find(key);
        if (found == ours.end() || found->second != digest) {
            lacking.push_back(key);
        }
    }
    return lacking;
}

std::size_t differingMailboxes(const RecordDigests& ours, const RecordDigests& theirs) {
    std::set<MailboxId> mailboxes;
    for (const auto& [left, right] : {std::pair(&ours, &theirs), std::pair(&theirs, &ours)}) {
        for (const RecordFileKey& key : lackingOf(*left, *right)) {
            mailboxes.insert(key.mailbox);
        }
    }
    return mailboxes.size();
}

bool isDigest(std::string_view text) {
    return text.size() == 64 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace gateway::replica
