// Two processes with one id: the second one is told, and changes nothing.
#include "fixture.hpp"

namespace golden {

TEST_CASE("a second process with the id of a living node is refused by who hears that node, and says why") {
  for (const auto& [id, teller] : {std::pair(1, 3), std::pair(3, 1)}) {
    CAPTURE(id);
    Cluster cluster(programs(3));
    cluster.start_all();
    REQUIRE(cluster.wait_for_leader() == 3);
    REQUIRE(cluster.wait_for_repair());  // All are members, and acknowledge.
    Launch launch = cluster.server_launch(id);
    launch.environment["SHARED_DIR"] = cluster.folder() / "twin";
    launch.environment["BIND"] = "127.0.0.1:" + std::to_string(support::free_ports(1).front());
    Process twin(std::move(launch));
    const std::string number = std::to_string(id);
    const std::string why = "another process is node " + number + " already, at " + cluster.address(id) + ": check NODE_ID";
    const std::string line = "[Node " + number + "] node " + std::to_string(teller) + " refused this node: " + why;
    CHECK(support::eventually([&] { return contains(twin.err(), line); }));
    CHECK_FALSE(contains(twin.out(), "becoming coordinator"));
    CHECK(cluster.running(id));
    CHECK(cluster.client({"send-image", "-"}, support::picture(1000)).exit_status == 0);
  }
}

TEST_CASE("a node that comes back at once with an empty folder is no second process for long") {
  Cluster cluster(programs(3));
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == 3);
  REQUIRE(cluster.client({"send-image", "-"}, support::picture(1000)).exit_status == 0);
  REQUIRE(cluster.wait_for_repair());
  cluster.kill(1);
  Launch launch = cluster.server_launch(1);
  launch.environment["SHARED_DIR"] = cluster.folder() / "new disk";
  cluster.start_as(1, std::move(launch));
  CHECK(support::eventually([&] { return support::visible_files(cluster.folder() / "new disk").size() == 1; }));
}

}  // namespace golden
