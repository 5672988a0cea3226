// The address of the web page, by the configuration. Never looks whether anything listens there.
#pragma once

#include <string>

#include "gateway/config.h"

namespace gateway {

/// As for the set-up link: "https://msgw1.example.com:8450/"; empty where there is no page.
std::string pageAddress(const Config& config);

/// The same for who comes from another machine; empty where he could not get there.
std::string pageAddressForOthers(const Config& config);

}  // namespace gateway
