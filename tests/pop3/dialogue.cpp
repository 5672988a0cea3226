#include "tests/pop3/dialogue.h"

#include <cstdint>
#include <fstream>
#include <functional>
#include <map>

#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace pop3::test {

namespace {

using Kind = Step::Kind;

[[noreturn]] void malformed(const std::string& where, const std::string& why) {
    throw gateway::Error(gateway::Error::Kind::Corrupt, where + ": " + why);
}

/// "41 0d0a": pairs of hex digits, blanks between them as one likes.
std::string fromHex(const std::string& where, std::string_view digits) {
    std::string octets;
    std::string pair;
    for (const char digit : digits) {
        if (digit == ' ') {
            continue;
        }
        pair += digit;
        if (pair.size() == 2) {
            octets += static_cast<char>(std::stoi(pair, nullptr, 16));
            pair.clear();
        }
    }
    if (!pair.empty()) {
        malformed(where, "half an octet");
    }
    return octets;
}

/// What follows `prefix` and one blank; nothing where `line` begins otherwise.
std::optional<std::string> after(std::string_view prefix, std::string_view line) {
    if (!line.starts_with(prefix)) {
        return std::nullopt;
    }
    line.remove_prefix(prefix.size());
    if (line.starts_with(' ')) {
        line.remove_prefix(1);
    }
    return std::string(line);
}

/// The first word of `text`; `text` keeps what follows it and one blank.
std::string takeWord(std::string& text) {
    const std::size_t blank = text.find(' ');
    const std::string word = text.substr(0, blank);
    text.erase(0, blank == std::string::npos ? blank : blank + 1);
    return word;
}

void addLine(std::vector<Step>& steps, const std::string& where, const std::string& line) {
    const auto add = [&](Kind kind, const std::string& text) {
        steps.push_back({where, kind, text, {}});
    };
    const auto addToBody = [&](const std::string& octets) {
        if (steps.empty() || !steps.back().text.starts_with("message ")) {
            malformed(where, "M: belongs to a '> message'");
        }
        steps.back().body += octets;
    };
    if (line.empty() || line.starts_with('#')) {
        return;
    }
    if (const auto said = after("C:", line)) {
        add(Kind::Client, *said);
    } else if (const auto hex = after("C-hex:", line)) {
        add(Kind::Client, fromHex(where, *hex));
    } else if (const auto length = after("C-octets:", line)) {
        add(Kind::Client, std::string(std::stoul(*length), 'x'));
    } else if (const auto begins = after("S:", line)) {
        add(Kind::ServerBegins, *begins);
    } else if (const auto is = after("S=", line)) {
        add(Kind::ServerIs, *is);
    } else if (const auto isHex = after("S-hex:", line)) {
        add(Kind::ServerIs, fromHex(where, *isHex));
    } else if (const auto content = after("M:", line)) {
        addToBody(*content + "\r\n");
    } else if (const auto octets = after("M-hex:", line)) {
        addToBody(fromHex(where, *octets));
    } else if (const auto directive = after(">", line)) {
        add(Kind::World, *directive);
    } else {
        malformed(where, "neither C:, S:, M:, > nor #");
    }
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : " ") + word;
    }
    return text;
}

std::optional<std::string> differs(const std::string& where, const std::string& want,
                                   const std::string& got) {
    return where + ": want " + want + " got " + gateway::printable(got, 2000);
}

/// One replay.
class Player {
public:
    Player(const std::vector<Step>& steps, Gateway& gateway) : m_steps(steps), m_gateway(gateway) {}
    std::optional<std::string> play();

private:
    std::optional<std::string> say(std::size_t& at);
    std::optional<std::string> hear(const Step& step);
    std::optional<std::string> act(const Step& step);
    void addMailbox(std::string words);
    void addMessages(std::size_t count);
    std::optional<std::string> logIn(const Step& step);

    const std::vector<Step>& m_steps;
    Gateway& m_gateway;
    std::string m_address;
    std::string m_password;
};

std::optional<std::string> Player::play() {
    for (std::size_t at = 0; at < m_steps.size(); ++at) {
        const Step& step = m_steps[at];
        auto wrong = step.kind == Kind::Client  ? say(at)
                     : step.kind == Kind::World ? act(step)
                                                : hear(step);
        if (wrong) {
            return wrong;
        }
    }
    if (!m_gateway.unread().empty()) {
        return differs(m_steps.back().where, "the end", m_gateway.unread());
    }
    return std::nullopt;
}

// Lines the client says in a row are sent in one write: that is pipelining (RFC 2449 section 6.6),
// and how an attacker puts commands behind STLS.
std::optional<std::string> Player::say(std::size_t& at) {
    const std::string& where = m_steps[at].where;
    if (!m_gateway.unread().empty()) {
        return differs(where, "no more from the server", m_gateway.unread());
    }
    if (m_gateway.isClosed()) {
        return differs(where, "an open connection", "a closed one");
    }
    std::string flight = m_steps[at].text + "\r\n";
    while (at + 1 < m_steps.size() && m_steps[at + 1].kind == Kind::Client) {
        flight += m_steps[++at].text + "\r\n";
    }
    m_gateway.send(flight);
    return std::nullopt;
}

std::optional<std::string> Player::hear(const Step& step) {
    const auto line = m_gateway.receiveLine();
    if (!line) {
        return differs(step.where, step.text, "nothing");
    }
    const bool right =
        step.kind == Kind::ServerIs ? *line == step.text : line->starts_with(step.text);
    return right ? std::nullopt : differs(step.where, gateway::printable(step.text), *line);
}

std::optional<std::string> Player::act(const Step& step) {
    std::string rest = step.text;
    const std::string verb = takeWord(rest);
    const std::map<std::string, std::function<void()>> deeds{
        {"mailbox", [&] { addMailbox(rest); }},
        {"message", [&] { m_gateway.addMessage(rest, step.body); }},
        {"messages", [&] { addMessages(std::stoul(rest)); }},
        {"damaged", [&] { m_gateway.damageMessage(rest); }},
        {"unreadable", [&] { m_gateway.failReads(rest); }},
        {"occupied", [&] { m_gateway.occupy(true); }},
        {"free", [&] { m_gateway.occupy(false); }},
        {"unlock-fails", [&] { m_gateway.failUnlocks(rest); }},
        {"removal-fails", [&] { m_gateway.failRemovals(); }},
        {"connect", [&] { m_gateway.connect(rest == "tls"); }},
        {"tls", [&] { m_gateway.startTls(); }},
        {"drop", [&] { m_gateway.drop(); }}};
    if (const auto deed = deeds.find(verb); deed != deeds.end()) {
        deed->second();
        return std::nullopt;
    }
    if (verb == "login") {
        return logIn(step);
    }
    if (verb == "closed") {
        return m_gateway.isClosed() ? std::nullopt
                                    : differs(step.where, "closed", "an open connection");
    }
    if (verb == "waiting") {
        const std::string ids = joined(m_gateway.waiting());
        return ids == rest ? std::nullopt : differs(step.where, rest, ids);
    }
    malformed(step.where, "unknown directive '" + verb + "'");
}

void Player::addMailbox(std::string words) {
    m_address = takeWord(words);
    m_password = words;
    m_gateway.addMailbox(m_address, m_password);
}

void Player::addMessages(std::size_t count) {
    for (std::size_t number = 1; number <= count; ++number) {
        const std::string digits = std::to_string(number);
        std::string id = "0192f000-0000-7000-8000-000000000000";
        id.replace(id.size() - digits.size(), digits.size(), digits);
        m_gateway.addMessage(id, "Subject: " + digits + "\r\n\r\nBody of " + digits + "\r\n");
    }
}

std::optional<std::string> Player::logIn(const Step& step) {
    m_gateway.connect(true);
    m_gateway.send("USER " + m_address + "\r\nPASS " + m_password + "\r\n");
    for (int replies = 0; replies < 3; ++replies) {
        if (auto wrong = hear({step.where, Kind::ServerBegins, "+OK", {}})) {
            return wrong;
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<Step> readDialogue(const std::filesystem::path& file) {
    std::ifstream in(file);
    if (!in) {
        gateway::throwErrno("open", file.string());
    }
    std::vector<Step> steps;
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        addLine(steps, file.filename().string() + ":" + std::to_string(number), line);
    }
    return steps;
}

std::optional<std::string> play(const std::vector<Step>& steps, Gateway& gateway) {
    return Player(steps, gateway).play();
}

}  // namespace pop3::test
