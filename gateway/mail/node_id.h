// The name of a node among the nodes that share mailboxes. Exists only by parsing or generating.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

/// `n-` and 32 lower-case hex digits.
class NodeId {
public:
    static std::optional<NodeId> parse(std::string_view text);
    static NodeId generate();

    const std::string& str() const { return m_text; }
    auto operator<=>(const NodeId&) const = default;

private:
    explicit NodeId(std::string text) : m_text(std::move(text)) {}
    std::string m_text;
};

}  // namespace gateway
