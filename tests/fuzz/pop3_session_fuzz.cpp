// A whole POP3 session in memory: no reply holds a control character, nothing is deleted but what
// the last reply counts, and without the password nothing is read or deleted.
// Input: options, seed of the cuts, what the client sends.
#include "gateway/base/text.h"
#include "tests/fuzz/fuzzing.h"
#include "tests/pop3/memory_gateway.h"

namespace {

using fuzz::claim;
using pop3::test::MemoryGateway;

constexpr std::string_view kMailbox = "mbx-0123456789abcdef0123456789abcdef";
constexpr std::size_t kMessages = 3;

struct World {
    explicit World(std::uint8_t choice)
        : unsayable((choice & 1U) != 0),
          underTls((choice & 2U) == 0),
          occupied((choice & 28U) == 4U),
          damaged((choice & 28U) == 8U),
          removalFails((choice & 28U) == 12U),
          unlockFails((choice & 28U) == 16U) {}
    bool unsayable;  ///< no line can hold the password's LF, no SASL message its NUL
    bool underTls;
    bool occupied;
    bool damaged;
    bool removalFails;
    bool unlockFails;
};

void fill(MemoryGateway& gateway, const World& world) {
    gateway.addMailbox(std::string(kMailbox),
                       world.unsayable ? std::string("\n\0x", 3) : "Wq7vK-x9TnR-4hMpZ");
    for (std::size_t i = 1; i <= kMessages; ++i) {
        const std::string number = std::to_string(i);
        gateway.addMessage("01980000-0000-7000-8000-00000000000" + number,
                           "Subject: " + number + "\r\n\r\n.Body of " + number + "\r\n");
    }
    gateway.occupy(world.occupied);
    if (world.damaged) {
        gateway.damageMessage("01980000-0000-7000-8000-000000000002");
    }
    if (world.removalFails) {
        gateway.failRemovals();
    }
    if (world.unlockFails) {
        gateway.failUnlocks("trouble");
    }
}

/// The number in "+OK 2 messages deleted, …", the reply that ends an update.
std::size_t announcedDeletions(std::string_view lastLine) {
    const std::size_t word = lastLine.find(" deleted, ");
    if (!lastLine.starts_with("+OK ") || word == std::string_view::npos) {
        return 0;
    }
    return gateway::parseDecimal(lastLine.substr(4, lastLine.find(' ', 4) - 4))
        .value_or(kMessages + 1);
}

void checkReplies(std::string_view received, const MemoryGateway& gateway, const World& world) {
    claim(received.starts_with("+OK "), "a greeting comes first");
    claim(fuzz::isPrintableLines(received), "whatever is said is printable, and in whole lines");
    std::string_view last = received.substr(0, received.size() - 2);
    last.remove_prefix(last.rfind('\n') == std::string_view::npos ? 0 : last.rfind('\n') + 1);
    const std::size_t deleted = kMessages - gateway.waiting().size();
    claim(deleted == (gateway.isClosed() ? announcedDeletions(last) : 0),
          "what was deleted is what was announced");
    claim(deleted == 0 || !world.removalFails, "what fails is not announced");
    const bool read = received.find("Body of") != std::string_view::npos ||
                      received.find("Subject:") != std::string_view::npos;
    const bool locked = world.unsayable || world.occupied || world.unlockFails;
    claim(!locked || (!read && deleted == 0), "without the password nothing is read or deleted");
}

/// What was said, nothing where TLS made the pieces count.
template <typename Pieces>
std::optional<std::string> talk(const World& world, Pieces pieces) {
    MemoryGateway gateway;
    fill(gateway, world);
    gateway.connect(world.underTls);
    std::size_t heard = 0;  ///< octets up to the last handshake
    while (!pieces.empty() && !gateway.isClosed()) {
        const std::string_view piece = pieces.next();
        gateway.send(piece);
        if (piece.find('\n') == std::string_view::npos) {
            continue;  // no line, no answer
        }
        const std::string said = gateway.unread();
        if (said.size() > heard && said.ends_with("+OK Begin TLS now\r\n")) {
            gateway.startTls();
            heard = said.size();
        }
    }
    const std::string received = gateway.unread();
    checkReplies(received, gateway, world);
    return heard > 0 ? std::nullopt : std::optional(received);
}

}  // namespace

void fuzz::run(std::string_view input) {
    Portions portions(input);
    const World world(portions.octet());
    const std::uint8_t seed = portions.octet();
    const auto whole = talk(world, Whole(portions.rest()));
    const auto split = talk(world, Splitter(portions.rest(), seed));
    claim(!whole || !split || *whole == *split, "packets may be cut anywhere");
}
