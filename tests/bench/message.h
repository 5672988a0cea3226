// The messages of a load: journal reports of a given size that prove themselves when they come
// back. Never random in what they cost: every run sends the same octets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// Makes the messages of one run. Immutable; any thread.
class Messages {
public:
    /// Of about `size` octets each; `run` sets their ids apart from those of other runs.
    Messages(std::size_t size, std::string run);

    struct Message {
        std::string id;
        std::string header;
        std::string_view body;  ///< dots stuffed
        std::string end;
    };
    Message make(long number) const;

private:
    struct Body {
        std::string wire;
        std::string sha256;
    };
    std::string m_run;
    std::vector<Body> m_bodies;
};

/// A message that came out, dots still stuffed.
struct Verdict {
    std::string id;      ///< empty: none of ours
    bool whole = false;  ///< its SHA-256 is the one it was sent with, and its end is there
};
Verdict judge(std::string_view wire);

}  // namespace bench
