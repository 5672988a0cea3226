// The unit tests of crypto/. Never needs network, files or another program.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
