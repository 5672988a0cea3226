// What an SMTP session answers, and what the world must do next.
// The closed list of side effects of the protocol: whoever reads Then has read them all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtp {

enum class Then {
    ReadCommand,  ///< send the reply; the next line is a command
    StartTls,     ///< send it, forget all input read so far, shake hands, then Session::onTls()
    ReadData,     ///< send it (354); feed a DataReader to the end of data, store,
                  ///< onStored()/onRefused()
    ReadChunk,    ///< send nothing yet; read `octets` into the message; then onChunk(), or where
                  ///< `last` store
    SkipChunk,    ///< read and drop `octets`, then send the reply
    Close         ///< send it and close
};

/// One reply, RFC 5321 4.2 with the enhanced codes of RFC 2034. No aggregate on purpose: g++ 12
/// destroys those twice inside a co_await expression.
struct Reply {
    /// `enhanced` ("2.1.5") is put before the text of every line; empty for greeting, EHLO, 354.
    /// A line feed in `text` begins the reply's next line.
    Reply(int replyCode, std::string_view enhanced, std::string text,
          Then next = Then::ReadCommand);

    /// The octets on the wire, every line ended by CRLF, cut at 512 octets (RFC 5321 4.5.3.1.5);
    /// what is not printable ASCII becomes a question mark.
    std::string wire() const;

    int code;
    std::string enhancedCode;
    std::vector<std::string> lines;
    Then then;
    std::uint64_t octets = 0;  ///< of the chunk, for ReadChunk and SkipChunk
    bool last = false;         ///< BDAT … LAST, for ReadChunk
};

}  // namespace smtp
