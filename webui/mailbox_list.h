// A page of the table of mailboxes: searched, sorted, and cut where the page before ended. Linear
// in the number of mailboxes: for a worker, not for the I/O thread. Opens nothing.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace webui {

/// What to show of the list.
struct MailboxQuery {
    static constexpr std::size_t kMostRows = 500;

    std::string search;         ///< words that name, description or address hold, in any case
    std::string status;         ///< "active", "suspended", "deleted"; empty: all
    std::string sort = "name";  ///< status, waiting, oldest, last_received, last_fetched
    bool descending = false;
    std::size_t limit = 100;
    std::string after;  ///< `next` of the page before; empty: from the start

    /// By the names of the API's address. Throws Refused(400).
    static MailboxQuery parse(const std::map<std::string, std::string>& query);
};

/// {mailboxes, total, matching, next}. Rows without a time come last in either order. A page goes
/// on behind the last row of the one before, wherever that row is by now.
nlohmann::json pageOf(const nlohmann::json& mailboxes, const MailboxQuery& query);

}  // namespace webui
