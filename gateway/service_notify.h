// Tells the service manager how we are: sd_notify(3) as a datagram, nothing where nobody asked.
#pragma once

#include <string_view>

namespace gateway {

/// "READY=1", "STOPPING=1", "STATUS=…". Does nothing where NOTIFY_SOCKET is not set; never fails.
void notifyService(std::string_view state);

}  // namespace gateway
