// The table of mailboxes that an admin takes over from another gateway, as CSV (RFC 4180): columns
// named by the first line, separated by comma, semicolon or tab, with the byte order mark and the
// line ends that spreadsheets write. Never guesses: what is not certain is a bad row.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/password.h"

namespace gateway {

struct AdoptedRow {
    std::size_t line = 0;
    std::string address;                       ///< as written; empty where a new one is wanted
    std::optional<crypto::Password> password;  ///< nothing where one is to be made
    std::string name;
    std::string description;
};

/// Something to say of a line of the file, in words for an admin.
struct RowRemark {
    RowRemark(std::size_t where, std::string what) : line(where), text(std::move(what)) {}
    std::size_t line;
    std::string text;
};

struct AdoptionTable {
    std::vector<AdoptedRow> rows;
    std::vector<RowRemark> bad;  ///< nothing may be made where there is one
    std::vector<RowRemark> warnings;
};

/// `text` is the whole file. The caller wipes it.
AdoptionTable parseAdoption(std::string_view text);

}  // namespace gateway
