// The receipt of a message: what was stored and what became of it, the lines that tell it, and the
// names of the files they stand in (postern-formats(5), "Receipts"). Never touches a file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/mail/message_id.h"
#include "gateway/mail/node_id.h"

namespace gateway {

/// What a line tells.
struct ReceiptEvent {
    enum class Kind { Stored, Fetched, Deleted, Restored, Purged };
    ReceiptEvent(Kind what, MessageId message, WallTime when)
        : kind(what), id(std::move(message)), at(when) {}
    Kind kind;
    MessageId id;
    WallTime at;  ///< whole seconds are kept

    /// Of Kind::Stored.
    struct File {
        std::uint64_t octets = 0;  ///< of the sealed file
        std::array<std::byte, 32> sha256{};
    } file;
    std::string peer;  ///< the sender's address, or "import"
    std::string tls;   ///< "TLSv1.3/TLS_AES_256_GCM_SHA384"; empty without
};

/// With its newline, at most kLongestReceiptLine octets. In `peer` and `tls` what could be taken
/// for something else becomes `_`.
std::string lineOf(const ReceiptEvent& event);
/// Takes what lineOf() gives, without the newline, and nothing else.
std::optional<ReceiptEvent> parseReceiptLine(std::string_view line);
inline constexpr std::size_t kLongestReceiptLine = 512;

/// Of one day (UTC) and node.
struct ReceiptFileName {
    static constexpr unsigned kFormat = 1;
    ReceiptFileName(std::string date, NodeId writer, unsigned version = kFormat)
        : day(std::move(date)), node(std::move(writer)), format(version) {}
    static ReceiptFileName at(WallTime time, const NodeId& node);
    static std::optional<ReceiptFileName> parse(std::string_view name);
    std::string str() const;
    WallTime begin() const;  ///< of the day

    std::string day;  ///< "2026-11-22"
    NodeId node;
    unsigned format;
};

/// What all lines tell of one message.
struct Receipt {
    explicit Receipt(MessageId message) : id(std::move(message)) {}
    /// Events of one node come in the order of its lines.
    void take(const ReceiptEvent& event, const NodeId& writer);

    MessageId id;
    std::optional<WallTime> received;  ///< nothing where no line tells it: see `node`
    std::optional<NodeId> node;        ///< that took it; it may have been moved from there by hand
    ReceiptEvent::File file;           ///< where `received` is known, as the next two
    std::string peer;
    std::string tls;
    std::optional<WallTime> fetched;  ///< the first time
    std::optional<WallTime> deleted;  ///< and not restored since
    std::optional<WallTime> purged;
};

}  // namespace gateway
