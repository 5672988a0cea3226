// What people and machines see of an answer of Operations: lines and fields of it as text.
// Never prints: that is output.h.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace gateway {

/// The answer on one line, for machines.
std::string oneLineOf(const nlohmann::json& value);

/// A field, made printable; "-" where there is none of that name and type.
std::string textOf(const nlohmann::json& object, const char* name);
std::string numberOf(const nlohmann::json& object, const char* name);

/// "SMTP 25 (STARTTLS), POP3 110 (STLS), POP3S 995".
std::string describePorts(const nlohmann::json& ports);

/// What waits on another node, of a mailbox's `elsewhere`: "340 messages, oldest of …".
std::string describeElsewhere(const nlohmann::json& one);

/// "340 on msgw2, 3 on msgw3 (at …)", of those where something waits: short, with the time where
/// the node has not said it lately.
std::string elsewhereInShort(const nlohmann::json& mailbox);

}  // namespace gateway
