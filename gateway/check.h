// `postern check`: what an admin would want to know before mail depends on it, one line a finding,
// each with what to do. Changes nothing, but for owners and modes with --fix.
#pragma once

#include <string>

#include "gateway/config.h"

namespace gateway {

/// Collects and prints findings.
class CheckReport {
public:
    void ok(const std::string& area, const std::string& text);
    /// Worth knowing; does not change the exit code.
    void warning(const std::string& area, const std::string& text, const std::string& advice);
    void problem(const std::string& area, const std::string& text, const std::string& advice);
    void fixed(const std::string& area, const std::string& text, const std::string& command);
    std::size_t problems() const { return m_problems; }
    std::size_t warnings() const { return m_warnings; }

private:
    std::size_t m_problems = 0;
    std::size_t m_warnings = 0;
};

/// The parts, in the order of the report. Each finds all it can and throws only what it cannot
/// name.
void checkOwnership(const Config& config, bool fix, CheckReport& report);
void checkPorts(const Config& config, CheckReport& report);
void checkRecords(const Config& config, CheckReport& report);
/// Which mailboxes a lost password would still lock for ever, where there is a recovery key.
void checkRecovery(const Config& config, CheckReport& report);
void checkAdmins(const Config& config, CheckReport& report);
void checkMessages(const Config& config, CheckReport& report);
void checkCertificate(const Config& config, CheckReport& report);
void checkNames(const Config& config, CheckReport& report);
void checkSpace(const Config& config, CheckReport& report);

/// All of it. EX_OK where there is no problem, else EX_DATAERR.
int checkAll(const Config& config, bool fix);

}  // namespace gateway
