// What a POP3 session answers, and what the world must do next: RFC 1939 section 3.
// Never holds a word of what the client said, so nothing can be reflected or injected.
#pragma once

#include <string>

namespace pop3 {

enum class Then {
    ReadCommand,  ///< send the text; the next line is a command (or the answer to a SASL challenge)
    StartTls,     ///< send it, forget all input read so far, shake hands, then Session::onTls()
    Unlock,       ///< send nothing; open the mailbox with takeLogin(), then
                  ///< onUnlocked()/onLoginRefused()
    SendListing,  ///< send the text, then nextListing() until it says there is no more
    SendMessage,  ///< send nothing; open requested(), then onMessageOpened()/onMessageRefused()
    Remove,       ///< send nothing; delete marked(), then onRemoved()/onRemoveFailed(), and close
    Close         ///< send it and close
};

/// No aggregate on purpose: g++ 12 destroys those twice inside a co_await expression.
struct Reply {
    /// Adds the final CRLF; an empty `line` stays empty.
    explicit Reply(std::string line, Then next = Then::ReadCommand);
    std::string text;  ///< with CRLF; may be several lines; empty where nothing is sent
    Then then;
};

}  // namespace pop3
