// Stands between the code under test and the kernel: records the system calls that make files
// durable, and lets a chosen one fail. Works by defining the functions of libc in the test program.
// Never changes a call while no Watch lives.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace shim {

/// While one lives the watched calls of all threads are recorded in their order: open, mkdir,
/// write, fsync, syncfs, link, rename, unlink, where wanted close. One at a time.
class Watch {
public:
    /// Called before each call, with what is recorded of it; returns the errno the call shall fail
    /// with, 0 to let it through, or kShort. May block.
    using Before = std::function<int(const std::string& call)>;
    /// A write takes only half of its octets; other calls are let through.
    static constexpr int kShort = -1;
    /// Whether close is watched as well. One that shall fail has closed nevertheless, as on Linux.
    enum class Closes { Ignored, Watched };

    explicit Watch(Before before = {}, Closes closes = Closes::Ignored);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// "fsync /path/of/the/descriptor", "link /path/new", "rename /old /new", …
    std::vector<std::string> calls() const;

    /// For the functions of libc: records, asks, and gives the errno or 0.
    int judge(const std::string& call);
    bool watchesCloses() const { return m_closes == Closes::Watched; }

private:
    Before m_before;
    Closes m_closes;
    mutable std::mutex m_mutex;
    std::vector<std::string> m_calls;
};

/// Lets the n-th watched call fail (the first is 1) and all others through.
Watch::Before failNth(unsigned n, int error);

}  // namespace shim
