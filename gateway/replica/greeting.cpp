#include "gateway/replica/greeting.h"

#include "gateway/base/json_text.h"
#include "gateway/base/text.h"
#include "gateway/replica/exchange.h"

namespace gateway::replica {

namespace {

using nlohmann::json;

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestMark = 64;

}  // namespace

json Greeting::toJson() const {
    return {{"format", format},  {"node", node.str()}, {"node_key", key.str()},
            {"node_name", name}, {"domain", domain},   {"version", version},
            {"digest", digest},  {"waiting", waiting}};
}

std::optional<Greeting> Greeting::parse(const json& object) {
    if (!object.is_object() || !object.value("format", json()).is_number_integer()) {
        return std::nullopt;
    }
    auto id = NodeId::parse(textIn(object, "node"));
    auto nodeKey = crypto::VerifyKey::parse(textIn(object, "node_key"));
    Greeting greeting(id.value_or(NodeId::generate()), nodeKey.value_or(crypto::VerifyKey()));
    greeting.format = object.at("format").get<std::int64_t>();
    greeting.name = printable(textIn(object, "node_name"), kLongestName);
    greeting.domain = printable(textIn(object, "domain"), kLongestName);
    greeting.version = printable(textIn(object, "version"), kLongestName);
    greeting.digest = textIn(object, "digest");
    greeting.waiting = printable(textIn(object, "waiting"), kLongestMark);
    if (!id || !nodeKey || (greeting.format == kFormat && !isDigest(greeting.digest))) {
        return std::nullopt;
    }
    return greeting;
}

std::string whyNoTwins(const Greeting& self, const Greeting& other) {
    if (self.format != other.format) {
        return "one is of version " + self.version + ", the other of version " + other.version +
               ", and the two talk in other forms: update the older one";
    }
    if (!equalsIgnoringCase(self.domain, other.domain)) {
        return "one has the domain " + self.domain + ", the other " + other.domain +
               ": set the same `domain` on both";
    }
    if (self.node == other.node) {
        return "both are the node " + self.node.str() +
               ": one is a copy of the other's data, or this node calls itself. Where it is a "
               "copy, "
               "stop it, move node/node.toml away there and start it, so that it takes an id of "
               "its "
               "own";
    }
    return {};
}

}  // namespace gateway::replica
