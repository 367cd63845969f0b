#include "program.h"

#include <stdlib.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace espalier::test {

namespace fs = std::filesystem;

std::string contents_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Ran espalier(const fs::path& folder, const std::string& arguments) {
  const fs::path out = folder / ".out", err = folder / ".err";
  const std::string command = "cd '" + folder.string() + "' && '" ESPALIER_PROGRAM "' " + arguments + " >'" +
                              out.string() + "' 2>'" + err.string() + "' </dev/null";
  const int raw = std::system(command.c_str());
  Ran ran{WIFEXITED(raw) ? WEXITSTATUS(raw) : -1, contents_of(out), contents_of(err)};
  fs::remove(out);
  fs::remove(err);
  return ran;
}

Folder::Folder() {
  std::string pattern = (fs::temp_directory_path() / "espalier-cli-XXXXXX").string();
  if (mkdtemp(pattern.data())) path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void Folder::write(const std::string& name, const std::string& contents) const {
  std::ofstream(path_ / name, std::ios::binary) << contents;
}

}  // namespace espalier::test
