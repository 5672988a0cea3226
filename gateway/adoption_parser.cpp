#include "gateway/adoption_parser.h"

#include <algorithm>
#include <array>

#include "gateway/base/text.h"
#include "gateway/base/utf8.h"

namespace gateway {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kSeparators = ",;\t";
constexpr std::array<std::string_view, 4> kColumns{"address", "password", "name", "description"};
/// Shorter ones can be guessed by whoever copies the records.
constexpr std::size_t kShortPassword = 20;

/// One line of the table, which a quoted field may spread over several of the file. Its fields may
/// hold a password: they are wiped at the end.
struct TableRow {
    TableRow() { fields.reserve(kColumns.size() + 1); }
    ~TableRow() { forget(); }
    TableRow(const TableRow&) = delete;
    TableRow& operator=(const TableRow&) = delete;

    void forget() {
        for (std::string& field : fields) {
            crypto::wipe(std::span<char>(field));
        }
        fields.clear();
    }

    std::size_t line = 0;
    std::vector<std::string> fields;
    std::string problem;  ///< empty where it could be read
};

bool isUtf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8Length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

/// Reads row after row (RFC 4180 section 2).
class TableReader {
public:
    TableReader(std::string_view text, char separator) : m_rest(text), m_separator(separator) {}

    /// False at the end of the file.
    bool next(TableRow& row) {
        if (m_rest.empty()) {
            return false;
        }
        row.forget();
        row.problem.clear();
        row.line = m_line;
        const std::string_view before = m_rest;
        while (readField(row)) {
        }
        const std::string_view read = before.substr(0, before.size() - m_rest.size());
        m_line += static_cast<std::size_t>(std::count(read.begin(), read.end(), '\n'));
        if (row.problem.empty() && !isUtf8(read)) {
            row.problem =
                "it is not UTF-8; in a spreadsheet save the file as \"CSV UTF-8\", or convert it";
        }
        return true;
    }

private:
    /// True where another field of the row follows.
    bool readField(TableRow& row) {
        return m_rest.starts_with('"') ? readQuoted(row) : readPlain(row);
    }

    bool readPlain(TableRow& row) {
        const std::size_t end = std::min(m_rest.find_first_of(m_separators), m_rest.size());
        std::string_view field = m_rest.substr(0, end);
        const bool more = end < m_rest.size() && m_rest[end] == m_separator;
        m_rest.remove_prefix(std::min(end + 1, m_rest.size()));
        if (!more && field.ends_with('\r')) {
            field.remove_suffix(1);
        }
        if (field.find('"') != std::string_view::npos) {
            row.problem =
                "a quote stands within a field that does not begin with one; put the whole field "
                "in quotes, and each quote in it twice";
        }
        row.fields.emplace_back(field);
        return more;
    }

    bool readQuoted(TableRow& row) {
        m_rest.remove_prefix(1);
        std::string field;
        field.reserve(m_rest.size() < kMostField ? m_rest.size() : kMostField);
        for (;;) {
            const std::size_t quote = m_rest.find('"');
            if (quote == std::string_view::npos) {
                row.problem = "a quote is opened and never closed";
                m_rest = {};
                return false;
            }
            field += m_rest.substr(0, quote);
            m_rest.remove_prefix(quote + 1);
            if (!m_rest.starts_with('"')) {
                break;
            }
            field += '"';
            m_rest.remove_prefix(1);
        }
        row.fields.push_back(std::move(field));
        return endQuoted(row);
    }

    /// Behind a closing quote only a separator, or the end of the row.
    bool endQuoted(TableRow& row) {
        if (m_rest.starts_with(m_separator)) {
            m_rest.remove_prefix(1);
            return true;
        }
        const std::size_t end = std::min(m_rest.find('\n'), m_rest.size());
        const std::string_view behind = m_rest.substr(0, end);
        m_rest.remove_prefix(std::min(end + 1, m_rest.size()));
        if (!behind.empty() && behind != "\r") {
            row.problem =
                "something stands behind a closing quote; a quote within a field is "
                "written twice";
        }
        return false;
    }

    /// Reserved at once, so that a field that holds a password is never moved.
    static constexpr std::size_t kMostField = 4096;

    std::string_view m_rest;
    char m_separator;
    std::string m_separators{m_separator, '\n'};
    std::size_t m_line = 1;
};

bool isBlank(const TableRow& row) {
    return row.problem.empty() &&
           std::all_of(row.fields.begin(), row.fields.end(),
                       [](const std::string& field) { return trimmed(field).empty(); });
}

/// Which column is where, by the first line.
class Columns {
public:
    /// What is wrong with the first line; empty where nothing is.
    std::string read(const TableRow& row) {
        if (!row.problem.empty()) {
            return row.problem;
        }
        m_count = row.fields.size();
        for (std::size_t at = 0; at < row.fields.size(); ++at) {
            const std::string name = lowered(trimmed(row.fields[at]));
            const auto* const known = std::find(kColumns.begin(), kColumns.end(), name);
            if (known == kColumns.end()) {
                return '"' + printable(row.fields[at], 40) +
                       "\" is no column; the first line names the columns, of these: address, "
                       "password, name, description";
            }
            auto& place = m_places.at(static_cast<std::size_t>(known - kColumns.begin()));
            if (place) {
                return "the column " + name + " is named twice";
            }
            place = at;
        }
        return m_places[2] ? "" : "no column is named \"name\"; each mailbox needs a name";
    }

    std::size_t count() const { return m_count; }

    std::string_view address(const TableRow& row) const { return trimmed(get(row, 0)); }
    std::string_view password(const TableRow& row) const { return get(row, 1); }
    std::string_view name(const TableRow& row) const { return trimmed(get(row, 2)); }
    std::string_view description(const TableRow& row) const { return trimmed(get(row, 3)); }

private:
    std::string_view get(const TableRow& row, std::size_t column) const {
        const auto place = m_places.at(column);
        return place ? std::string_view(row.fields.at(*place)) : std::string_view();
    }

    std::size_t m_count = 0;
    std::array<std::optional<std::size_t>, kColumns.size()> m_places;
};

/// A blank at either end is often a slip; it may also be part of the password.
bool hasBlankEnd(std::string_view text) { return trimmed(text).size() != text.size(); }

void addRow(const Columns& columns, const TableRow& row, AdoptionTable& table) {
    if (!row.problem.empty()) {
        table.bad.emplace_back(row.line, row.problem);
        return;
    }
    if (row.fields.size() != columns.count()) {
        table.bad.emplace_back(row.line, "it has " + std::to_string(row.fields.size()) +
                                             " fields, and the first line " +
                                             std::to_string(columns.count()) +
                                             "; put a field that holds a separator in quotes");
        return;
    }
    AdoptedRow& adopted = table.rows.emplace_back();
    adopted.line = row.line;
    adopted.address = columns.address(row);
    adopted.name = columns.name(row);
    adopted.description = columns.description(row);
    if (adopted.name.empty()) {
        table.bad.emplace_back(row.line, "the mailbox has no name; give it one");
    }
    const std::string_view password = columns.password(row);
    if (password.empty()) {
        return;
    }
    adopted.password.emplace(password);
    if (hasBlankEnd(password)) {
        table.warnings.emplace_back(
            row.line, "the password begins or ends with a blank, which is taken as part of it");
    }
    if (password.size() < kShortPassword) {
        table.warnings.emplace_back(
            row.line, "the password is short: whoever copies the records could guess it");
    }
}

/// The one that stands first; it is in no column's name.
char separatorOf(std::string_view text) {
    const std::string_view first = text.substr(0, text.find('\n'));
    const std::size_t at = first.find_first_of(kSeparators);
    return at == std::string_view::npos ? kSeparators.front() : first[at];
}

}  // namespace

AdoptionTable parseAdoption(std::string_view text) {
    AdoptionTable table;
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        table.bad.emplace_back(
            1, "the file is UTF-16; in a spreadsheet save it as \"CSV UTF-8\", or convert it");
        return table;
    }
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    TableReader reader(text, separatorOf(text));
    TableRow row;
    Columns columns;
    if (!reader.next(row)) {
        table.bad.emplace_back(1, "the file is empty");
        return table;
    }
    if (std::string wrong = columns.read(row); !wrong.empty()) {
        table.bad.emplace_back(1, std::move(wrong));
        return table;
    }
    while (reader.next(row)) {
        if (!isBlank(row)) {
            addRow(columns, row, table);
        }
    }
    return table;
}

}  // namespace gateway
