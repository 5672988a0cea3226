// How far a long command is, on one line of a terminal that is written over again and again.
// Never writes where standard error is no terminal.
#pragma once

#include <string>

namespace gateway {

class Progress {
public:
    Progress();
    /// As clear().
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(const std::string& text);
    /// Before anything else is written to the terminal.
    void clear();

private:
    bool m_wanted;
    bool m_shown = false;
};

}  // namespace gateway
