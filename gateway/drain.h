// A drain: for a while this node takes no new mail, so that senders take another MX, while
// archivers go on fetching. Kept in node/drain.toml, for it must outlive a restart; a machine that
// copies config/ does not drain with it. Never decides who may ask for one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/config.h"
#include "gateway/mail/layout.h"

namespace gateway {

struct Drain {
    WallTime since;
    std::optional<WallTime> until;  ///< nothing: until somebody ends it

    bool isOver(WallTime now) const { return until && now >= *until; }
    bool operator==(const Drain&) const = default;

    /// The file's text, and what it says; nothing where it says nothing usable, with `why`.
    std::string text() const;
    static std::optional<Drain> parse(std::string_view text, std::string& why);
};

/// Blocking. Nothing where none was asked for. Throws Error where the file is there, but cannot be
/// read or is none of ours.
std::optional<Drain> loadDrain(const Layout& layout);
/// Blocking. The drain outlives a power cut once this returned, as does its end, which is to save
/// none. Throws Error, also where the file there is of a newer format.
void saveDrain(const Layout& layout, const std::optional<Drain>& drain);

/// Whether another node knows our mailboxes, as far as this one was told. Blocking; never throws
/// Error.
bool hasTwin(const Config& config);

}  // namespace gateway
