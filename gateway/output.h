// Standard output of the commands, and their complaints. Never loses a failed write: what it shows
// may be a password that is shown only once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gateway {

/// Throws Error(Disk) where not all of it could be written.
void print(std::string_view text);

/// "postern: …" on standard error; one line, whatever it is about, for it may quote what a file or
/// a peer holds.
void complain(std::string text);

/// A password that is made and cannot be shown would be lost: throws Refusal where standard output
/// is closed, to be known before.
void requireOutput();

/// Rows as columns of equal width, two blanks between them, each row ended by a newline; the last
/// column is not padded. Widths are counted in code points.
std::string asTable(const std::vector<std::vector<std::string>>& rows);

}  // namespace gateway
