// Lines of the prompt that no keyboard types.
#include "fixture.hpp"

using namespace golden;

TEST_CASE("a NUL character in a line of the prompt is part of its word") {
  Launch prompt = client({"--peers", "1=127.0.0.1:1"});
  prompt.input = std::string("help sta\0tus\nquit\n", 18);
  const Finished said = run(prompt);

  CHECK(contains(said.out, "[Client] ✗ there is no command sta?tus"));
}
