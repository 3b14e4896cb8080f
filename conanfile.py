"""The library for Conan 2; the programs come as Debian packages."""
from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, rmdir
import os


class Cloudp2pConan(ConanFile):
    name = "cloudp2p"
    version = "0.1.0"
    description = "A replicated image store, as a library, a server and a client"
    license = "MIT"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": False}
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*"

    def requirements(self):
        self.requires("asio/1.22.1")
        self.requires("fmt/9.1.0")
        self.requires("libsodium/1.0.18")
        self.requires("simdjson/3.0.1")
        self.requires("sqlite3/3.40.1")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        for part in ("APPS", "TESTS", "BENCH", "EXAMPLES"):
            toolchain.cache_variables[f"CLOUDP2P_BUILD_{part}"] = False
        toolchain.cache_variables["CLOUDP2P_BOTAN"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        # Conan's own description of the package takes the place of these.
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "cloudp2p")
        self.cpp_info.set_property("pkg_config_name", "cloudp2p")
        library = self.cpp_info.components["cloudp2p"]
        library.set_property("cmake_target_name", "cloudp2p::cloudp2p")
        library.set_property("cmake_target_aliases", ["cloudp2p::headers"])
        library.libs = ["cloudp2p"]
        library.system_libs = ["pthread"]
        library.requires = ["asio::asio", "fmt::fmt", "libsodium::libsodium", "simdjson::simdjson", "sqlite3::sqlite3"]
        testing = self.cpp_info.components["testing"]
        testing.set_property("cmake_target_name", "cloudp2p::testing")
        testing.libs = ["cloudp2p_testing"]
        testing.requires = ["cloudp2p"]
