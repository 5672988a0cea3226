// Web accounts and API tokens: <data>/config/admins.toml. Holds what recognises a password or a
// token, never one of them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/password_hash.h"
#include "gateway/base/clock.h"
#include "gateway/mail/layout.h"

namespace webui {

/// What whoever shows a token may do: look; change mailboxes too; be a twin; become one, once and
/// within a day.
enum class TokenScope { Read, Manage, Replicate, Join };
std::string_view scopeName(TokenScope scope);
std::optional<TokenScope> parseScope(std::string_view name);
/// Who holds the tokens of invitations.
inline constexpr std::string_view kInvitation = "twin-invitation";
inline constexpr std::chrono::hours kInvitationLasts{24};

/// A value: changes are made to a copy, which then is saved. Reading it is free to any thread.
class Admins {
public:
    struct Account {
        std::string name;  ///< lower case
        gateway::WallTime created;
        crypto::PasswordHash hash;
    };
    struct Token {
        std::string id;     ///< for people; not secret
        std::string name;   ///< who holds it; need not be an account's
        std::string scope;  ///< as stated; one that this version does not know opens nothing
        gateway::WallTime created;
        std::string digest;  ///< SHA-256 of the token, hex
    };

    /// A file's text as read. Damage in one entry is damage of the whole: nobody must be able to
    /// lose an account, and get away with it, by spoiling its line.
    struct Reading;
    static Reading parse(std::string_view text);
    /// The file's text. What a later version added to it is kept.
    std::string text() const;

    /// Blocking. Empty where there is no file. Throws Error: Corrupt where it is damaged, Config
    /// where a newer version wrote it, Permission; each says what to do.
    static Admins load(const gateway::Layout& layout);
    /// Blocking; durable once it returned.
    void save(const gateway::Layout& layout) const;

    const std::vector<Account>& accounts() const { return m_accounts; }
    const std::vector<Token>& tokens() const { return m_tokens; }
    bool knows(std::string_view name) const;  ///< as an account's or a token's holder
    bool hasAccount(std::string_view name) const;

    /// What is wrong with it for an account, and why; empty where nothing is.
    static std::string wrongWithName(std::string_view name);
    static std::string wrongWithPassword(std::string_view name, const crypto::Password& password);

    /// False where there is an account of that name. Blocking for about 0.1 s, as setPassword().
    bool create(std::string_view name, const crypto::Password& password, gateway::WallTime now);
    /// False where there is none.
    bool setPassword(std::string_view name, const crypto::Password& password);
    /// The token itself, "postern_" and 192 random bits in hex; it cannot be had a second time.
    crypto::SecretBuffer addToken(std::string_view name, TokenScope scope, gateway::WallTime now);
    /// Its account and its tokens; returns how many of both went.
    std::size_t remove(std::string_view name);
    /// False where `name` holds none of that id.
    bool removeToken(std::string_view name, std::string_view id);

    /// Takes over the accounts and tokens of `other` that are not here; those that are stay as they
    /// are. Returns what was added, in words.
    std::vector<std::string> unite(const Admins& other);

    /// Whether that is the account's password. Blocking for about 0.1 s, for the cpu workers; as
    /// long for a name that there is not.
    bool verify(std::string_view name, const crypto::Password& password) const;
    /// The token of that text, compared with all in constant time; null where there is none.
    const Token* find(std::string_view token) const;
    std::optional<TokenScope> scopeOf(std::string_view token) const;

private:
    /// Takes entries out of [[kind]] that `gone` picks; returns how many.
    template <typename Gone>
    std::size_t drop(const char* kind, Gone gone);
    /// What the document says, as accounts and tokens; returns what is wrong with it.
    std::string adopt();

    nlohmann::json m_document{{"format", 1}};  ///< with what a later version added
    std::vector<Account> m_accounts;
    std::vector<Token> m_tokens;
};

struct Admins::Reading {
    std::optional<Admins> admins;
    bool newerFormat = false;
    std::string problem;  ///< in words, where there are none
};

}  // namespace webui
