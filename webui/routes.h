// The families of routes, each in a file of its own: they add to the API what they can do.
// Never adds a route twice.
#pragma once

#include "webui/api.h"
#include "webui/doorkeeper.h"
#include "webui/engine.h"
#include "webui/log_in.h"

namespace webui {

// What is given must outlive the API.
void addSessionRoutes(Api& api, const Engine& engine, Doorkeeper& doorkeeper, LogIn& logIn);
void addAccountRoutes(Api& api, const Engine& engine, Doorkeeper& doorkeeper);
void addMailboxRoutes(Api& api, const Engine& engine);
void addMessageRoutes(Api& api, const Engine& engine);
void addBackupRoutes(Api& api, const Engine& engine);
void addDrainRoutes(Api& api, const Engine& engine);
void addWatchRoutes(Api& api, const Engine& engine);
void addReplicaRoutes(Api& api, const Engine& engine);
void addTwinRoutes(Api& api, const Engine& engine);
void addOpenApiRoute(Api& api);

}  // namespace webui
