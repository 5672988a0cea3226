// Tables of mailboxes to take over, as spreadsheets, scripts and people write them.
#include <doctest/doctest.h>

#include "gateway/adoption_parser.h"
#include "gateway/base/text.h"

namespace {

using gateway::AdoptedRow;
using gateway::AdoptionTable;
using gateway::parseAdoption;

// As another gateway made it: every printable character may be in it.
constexpr std::string_view kPassword = R"(qn5x(/.B9M~PsZA92f]VYbIG`q{!1^[8\',;")";

std::string passwordOf(const AdoptedRow& row) {
    return row.password ? std::string(row.password->view()) : std::string("none");
}

/// "line: text" of what is wrong.
std::vector<std::string> wrongIn(std::string_view text) {
    std::vector<std::string> wrong;
    for (const auto& remark : parseAdoption(text).bad) {
        wrong.push_back(std::to_string(remark.line) + ": " + remark.text);
    }
    return wrong;
}

/// Whether exactly one thing is wrong, in this line, and its text holds `part`.
void checkWrong(std::string_view text, std::size_t line, const std::string& part) {
    CAPTURE(text);
    const auto wrong = wrongIn(text);
    REQUIRE(wrong.size() == 1);
    CHECK_MESSAGE(wrong[0].starts_with(std::to_string(line) + ": "), wrong[0]);
    CHECK_MESSAGE(wrong[0].find(part) != std::string::npos, wrong[0]);
}

}  // namespace

TEST_CASE("columns come in any order, separated as any spreadsheet does, with its line ends") {
    for (const std::string separator : {",", ";", "\t"}) {
        for (const std::string end : {"\n", "\r\n"}) {
            for (const std::string mark : {"", "\xEF\xBB\xBF"}) {
                std::string text = mark + "Name,ADDRESS, password ,description" + end +
                                   "Sales,mbx-1,secret-secret-secret-1,what \"\"they\"\" sell" +
                                   end;
                text = mark + "Name" + separator + "ADDRESS" + separator + " password " +
                       separator + "description" + end + "Sales" + separator + " mbx-1 " +
                       separator + "secret-secret-secret-1" + separator +
                       "\"what \"\"they\"\" sell\"" + end + end + "\"\"" + separator + separator +
                       separator + end + "Zürich" + separator + separator + separator;
                CAPTURE(text);
                const AdoptionTable table = parseAdoption(text);
                CHECK(table.bad.empty());
                CHECK(table.warnings.empty());
                REQUIRE(table.rows.size() == 2);
                CHECK(table.rows[0].line == 2);
                CHECK(table.rows[0].address == "mbx-1");
                CHECK(passwordOf(table.rows[0]) == "secret-secret-secret-1");
                CHECK(table.rows[0].name == "Sales");
                CHECK(table.rows[0].description == "what \"they\" sell");
                CHECK(table.rows[1].line == 5);
                CHECK(table.rows[1].address.empty());
                CHECK(passwordOf(table.rows[1]) == "none");
                CHECK(table.rows[1].name == "Zürich");
            }
        }
    }
}

TEST_CASE("every octet of a password counts") {
    std::string quoted = "\"";
    for (const char c : kPassword) {
        quoted += std::string(c == '"' ? 2 : 1, c);
    }
    const AdoptionTable table =
        parseAdoption("password,name\n" + quoted + "\",A\n plain with blanks at both ends ,B\n");
    CHECK(table.bad.empty());
    REQUIRE(table.rows.size() == 2);
    CHECK(passwordOf(table.rows[0]) == kPassword);
    CHECK(passwordOf(table.rows[1]) == " plain with blanks at both ends ");
    REQUIRE(table.warnings.size() == 1);
    CHECK(table.warnings[0].line == 3);
}

TEST_CASE("lines are counted as an editor counts them, also behind a quoted line end") {
    const AdoptionTable table =
        parseAdoption("name,description\r\nA,\"one\r\ntwo\r\n\"\r\n\r\n,B\r\nC,\r\n");
    REQUIRE(table.bad.size() == 1);
    CHECK(table.bad[0].line == 6);
    CHECK(table.rows.back().line == 7);
    CHECK(table.rows.front().description == "one\r\ntwo");
}

TEST_CASE("what is wrong is named with its line") {
    checkWrong("", 1, "empty");
    checkWrong("mbx-0123456789abcdef0123456789abcdef,secret,A\n", 1, "is no column");
    checkWrong("name,adress\nA,x\n", 1, "\"adress\" is no column");
    checkWrong("name,Name\nA,A\n", 1, "twice");
    checkWrong("address,password\na,b\n", 1, "needs a name");
    checkWrong("name,address\nA,x\n ,y\nB,z\n", 3, "no name");
    checkWrong("name,address\nA,x,\n", 2, "3 fields, and the first line 2");
    checkWrong("name,address\nA\n", 2, "1 fields");
    checkWrong("name,address\nA,x\"y\nB,z\n", 2, "quote");
    checkWrong("name,address\n\"A\"x,y\nB,z\n", 2, "behind a closing quote");
    checkWrong("name,address\nA,x\nB,\"z\nC,y\n", 3, "never closed");
    checkWrong("name\nZ\xFCrich\n", 2, "not UTF-8");
    checkWrong(std::string("\xFF\xFEn\0a\0", 6), 1, "UTF-16");
}

TEST_CASE("all that is wrong is named, not only the first") {
    CHECK(wrongIn("name,address\n,x\nA\nB,y\nC,\"d\"e\n").size() == 3);
}

TEST_CASE("a short password is warned of") {
    const AdoptionTable table = parseAdoption("name,password\nA,hunter2\n");
    REQUIRE(table.warnings.size() == 1);
    CHECK(table.warnings[0].text.find("short") != std::string::npos);
    CHECK(table.warnings[0].text.find("hunter2") == std::string::npos);
}
