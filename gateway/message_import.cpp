#include "gateway/message_import.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/request_fields.h"
#include "gateway/store/deposit.h"
#include "smtp/data_reader.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::size_t kReadSize = 256UL * 1024;
/// A field name and its colon stand on one line of at most 998 octets (RFC 5322 2.1.1).
constexpr std::size_t kLongestStart = 1000;

std::size_t readAt(const Descriptor& file, std::span<char> into, std::uint64_t at) {
    for (;;) {
        const ssize_t got = ::pread(file.get(), into.data(), into.size(), static_cast<off_t>(at));
        if (got >= 0 || errno != EINTR) {
            return static_cast<std::size_t>(check(got, "read", "the file to import"));
        }
    }
}

/// RFC 5322 2.2: printable US-ASCII but the colon, then the colon; before it blanks may stand
/// (4.5.8).
bool beginsWithField(std::string_view text) {
    const auto inName = [](char c) { return c > ' ' && c < '\x7f' && c != ':'; };
    const auto end = std::find_if_not(text.begin(), text.end(), inName);
    const auto colon =
        std::find_if_not(end, text.end(), [](char c) { return c == ' ' || c == '\t'; });
    return end != text.begin() && colon != text.end() && *colon == ':';
}

std::uint64_t roomFor(const Config& config) {
    struct statvfs found{};
    check(::statvfs(config.data.c_str(), &found), "look at", config.data.native());
    const std::uint64_t available = std::uint64_t{found.f_bavail} * found.f_frsize;
    return available > config.store.minFree ? available - config.store.minFree : 0;
}

/// Octets of plaintext, wiped at the end.
class Plaintext {
public:
    Plaintext() { m_text.reserve(2 * kReadSize); }  // a bare LF becomes two octets
    ~Plaintext() { clear(); }
    Plaintext(const Plaintext&) = delete;
    Plaintext& operator=(const Plaintext&) = delete;
    std::string& text() { return m_text; }
    void clear() {
        crypto::wipe(std::span<char>(m_text));
        m_text.clear();
    }

private:
    std::string m_text;
};

}  // namespace

std::optional<std::string> whyNoMessage(const Descriptor& file, std::uint64_t most) {
    struct stat found{};
    check(::fstat(file.get(), &found), "look at", "the file to import");
    if (!S_ISREG(found.st_mode)) {
        return "it is no plain file; give a file, or `-` for standard input";
    }
    const auto size = static_cast<std::uint64_t>(found.st_size);
    if (size > most) {
        return "it has " + describeSize(size) + ", and smtp.max_message_size is " +
               describeSize(most) + "; raise that, or leave the file out";
    }
    std::array<char, kLongestStart> start{};
    const std::string_view text(start.data(), readAt(file, start, 0));
    if (text.empty()) {
        return "it is empty; leave it out";
    }
    if (text.starts_with("From ")) {
        return "it begins as an mbox does (\"From \"); give each message as a file of its own";
    }
    if (!beginsWithField(text)) {
        return "it does not begin with a header field such as \"From: …\"; give the message as "
               "mail systems send it (.eml)";
    }
    return std::nullopt;
}

struct MessageImport::State {
    State(const Config& settings, MessageStore& messages, ReceiptLog* log, json asked,
          Descriptor handed)
        : config(settings),
          store(messages),
          receipts(log),
          request(std::move(asked)),
          file(std::move(handed)) {}

    void requireTakeable() const {
        if (!file) {
            throw Refusal(EX_USAGE, "no file was handed over with the request");
        }
        if (const auto why = whyNoMessage(file, config.smtp.maxMessageSize)) {
            throw Refusal(EX_DATAERR, *why);
        }
        struct stat found{};
        check(::fstat(file.get(), &found), "look at", "the file to import");
        if (static_cast<std::uint64_t>(found.st_size) > roomFor(config)) {
            throw Refusal(EX_TEMPFAIL,
                          "it does not fit: " + describeSize(config.store.minFree) +
                              " of the disk are kept free (store.min_free); make room first");
        }
    }

    /// Returns the octets as RETR will send them.
    std::uint64_t readInto(Deposit& sealed) const {
        smtp::DataReader reader(smtp::DataReader::Form::Chunks);
        Plaintext read;
        Plaintext turned;
        std::uint64_t size = 0;
        for (std::uint64_t at = 0;; turned.clear()) {
            read.text().resize(kReadSize);
            const std::size_t got = readAt(file, read.text(), at);
            std::string_view input(read.text().data(), got);
            reader.push(input, turned.text());
            if (got == 0) {
                reader.finish(turned.text());
            }
            if (reader.size() > config.smtp.maxMessageSize) {
                throw Refusal(EX_DATAERR, "it grew beyond smtp.max_message_size meanwhile");
            }
            size += turned.text().size();
            sealed.append(octetsOf(turned.text()));
            if (got == 0) {
                return size;
            }
            at += got;
        }
    }

    const Config& config;
    MessageStore& store;
    ReceiptLog* receipts;
    const json request;
    const Descriptor file;
    std::optional<Drop> drop;
    std::unique_ptr<Deposit> deposit;
    std::uint64_t octets = 0;
};

MessageImport::MessageImport(const Config& config, MessageStore& store, ReceiptLog* receipts,
                             json request, Descriptor file)
    : m_state(
          std::make_unique<State>(config, store, receipts, std::move(request), std::move(file))) {}

MessageImport::~MessageImport() = default;

void MessageImport::seal(const Registry& registry) {
    const auto mailbox = mailboxIn(m_state->request, registry, m_state->config.domain);
    if (mailbox->status == MailboxStatus::Deleted) {
        throw Refusal(EX_DATAERR, mailbox->id.str() +
                                      " is deleted; `postern mailbox activate` undoes that first");
    }
    if (mailbox->current() == nullptr) {
        throw Refusal(EX_DATAERR, mailbox->id.str() + " has no key; `postern check` says why");
    }
    m_state->requireTakeable();
    m_state->drop.emplace(mailbox->id, mailbox->current()->recipient);
    std::vector<Deposit::Copy> copies;
    copies.emplace_back(*m_state->drop, "");
    auto sealed = std::make_unique<Deposit>(m_state->store, MessageId::generate(),
                                            std::move(copies), m_state->receipts);
    m_state->octets = m_state->readInto(*sealed);
    m_state->deposit = std::move(sealed);
}

std::optional<json> MessageImport::commit(const Registry& present) {
    const auto sealed = std::move(m_state->deposit);
    const auto mailbox = present.find(m_state->drop->mailbox);
    if (!mailbox || mailbox->status == MailboxStatus::Deleted) {
        return std::nullopt;
    }
    const std::vector<crypto::SealKey> keys = mailbox->openable();
    if (std::find(keys.begin(), keys.end(), m_state->drop->recipient) == keys.end()) {
        return std::nullopt;
    }
    sealed->commit();
    sealed->writeReceipts({"import", ""});
    const std::string uidl = sealed->id().str();
    log::notice("message imported",
                {{"mailbox", mailbox->id.str()}, {"id", uidl}, {"octets", m_state->octets}});
    return json{{"uidl", uidl}, {"octets", m_state->octets}};
}

json importMessage(const Config& config, const RegistryKeeper& keeper, MessageStore& store,
                   ReceiptLog* receipts, json request, Descriptor file) {
    MessageImport import(config, store, receipts, std::move(request), std::move(file));
    import.seal(*keeper.current());
    auto answer = import.commit(*keeper.current());
    if (!answer) {
        throw Error(Error::Kind::Internal, "a key changed although nobody could change it");
    }
    return std::move(*answer);
}

}  // namespace gateway
