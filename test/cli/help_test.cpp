// --help and docs/cli.md say the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "running_program.h"

namespace espalier::test {
namespace {

using testing::HasSubstr;

constexpr const char* kVerbs[] = {"compile", "run", "bench", "explain", "inspect", "targets", "zoo"};

std::string help_of(const std::string& verb) {
  const TemporaryFolder folder;
  const Outcome done = espalier_in(folder, {verb, "--help"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.err, "");
  return done.out;
}

std::set<std::string> options_in(const std::string& text) {
  static const std::regex option("--[a-z][a-z-]*");
  return {std::sregex_token_iterator(text.begin(), text.end(), option), {}};
}

std::string documentation() {
  std::ifstream in(ESPALIER_SOURCE_DIR "/docs/cli.md");
  return {std::istreambuf_iterator<char>(in), {}};
}

size_t count(const std::string& text, const std::string& what) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++found;
  return found;
}

TEST(Help, OfEveryVerbHasTwoExamples) {
  for (const std::string verb : kVerbs) {
    const std::string help = help_of(verb);
    const size_t examples = help.find("Examples:\n");
    ASSERT_NE(examples, std::string::npos) << verb;
    EXPECT_EQ(count(help.substr(examples), "\n  espalier " + verb), 2u) << verb;
  }
}

TEST(Help, NamesEveryOption) {
  const std::set<std::string> input = {"--help",         "--select",        "--orientation",    "--pixels",
                                       "--input-stride", "--output-stride", "--clamp",          "--no-bias",
                                       "--seed",         "--cpu",           "--schedule",       "--dump-dir",
                                       "--jobs",         "--tune",          "--tune-cache",     "--input-panel",
                                       "--output-panel", "--output-order",  "--max-code-bytes", "--kernels"};
  const std::map<std::string, std::set<std::string>> more = {
      {"compile", {"--target", "--output", "--emit", "--name", "--weights-in-side-file", "--strips"}},
      {"run",
       {"--write-data", "--check", "--manifest", "--json", "--input", "--range", "--output-dir", "--compare",
        "--profile", "--threads", "--repeat", "--strips"}},
      {"bench", {"--seconds"}},
      {"explain", {"--target", "--measure", "--json"}}};
  for (const auto& [verb, own] : more) {
    std::set<std::string> expected = input;
    expected.insert(own.begin(), own.end());
    const std::string help = help_of(verb);
    EXPECT_EQ(options_in(help.substr(0, help.find("Examples:"))), expected) << verb;
  }
}

TEST(Help, NamesEveryVerbAndExitCode) {
  const TemporaryFolder folder;
  const Outcome done = espalier_in(folder, {"--help"});
  EXPECT_EQ(done.exit_code, 0);
  for (const std::string verb : kVerbs) EXPECT_THAT(done.out, HasSubstr("\n  " + verb + " "));
  EXPECT_THAT(done.out, HasSubstr("Exit codes: 0 done, 1 a check failed, 2 usage, 3 bad input, 4 limit, "
                                  "5 unsupported, 6 system, 70 our bug, 130 interrupted\n"));
}

TEST(Help, VersionIsOneLine) {
  const TemporaryFolder folder;
  const Outcome done = espalier_in(folder, {"--version"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_THAT(done.out, testing::MatchesRegex("espalier [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(CommandLineDocumentation, HasEveryOptionOfHelp) {
  const std::string page = documentation();
  for (const std::string verb : kVerbs)
    for (const std::string& option : options_in(help_of(verb)))
      EXPECT_THAT(page, HasSubstr("`" + option + "`")) << verb;
}

TEST(CommandLineDocumentation, HasNoOptionThatHelpLacks) {
  std::set<std::string> known = {"--help", "--version"};
  for (const std::string verb : kVerbs) known.merge(options_in(help_of(verb)));
  for (const std::string& option : options_in(documentation())) EXPECT_TRUE(known.contains(option)) << option;
}

TEST(CommandLineDocumentation, HasTheExamplesOfHelp) {
  const std::string page = documentation();
  for (const std::string verb : kVerbs) {
    const std::string help = help_of(verb);
    static const std::regex example("\n  (espalier [^\n]+)");
    const std::string examples = help.substr(help.find("Examples:"));
    for (std::sregex_iterator i(examples.begin(), examples.end(), example), end; i != end; ++i)
      EXPECT_THAT(page, HasSubstr("\n    " + (*i)[1].str() + "\n"));
  }
}

TEST(CommandLineDocumentation, HasEveryExitCode) {
  for (const char* code : {"0", "1", "2", "3", "4", "5", "6", "70", "130"})
    EXPECT_THAT(documentation(), HasSubstr("\n| " + std::string(code) + " | "));
}

}  // namespace
}  // namespace espalier::test
