// A table of malformed files and arguments, each with the exact message it must give.
#include <functional>

#include "import_test.h"
#include "tflite_files.h"

namespace espalier::test {
namespace {

struct Malformed {
  const char* name;
  const char* file;
  std::string bytes;
  const char* message;
  ErrorKind kind = ErrorKind::kBadInput;
  const char* select = "";
};

void PrintTo(const Malformed& row, std::ostream* out) { *out << row.name; }

constexpr ErrorKind kLimit = ErrorKind::kLimit, kUnsupported = ErrorKind::kUnsupported;

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

std::string npy(std::string_view descr, std::string_view shape, std::string_view data) {
  return npy_file(npy_dictionary(descr, shape), data);
}

std::vector<Malformed> npy_rows() {
  const std::string good = npy_floats("(1, 2)", {1, 2}), floats = raw<float>({1, 2});
  return {
      {"Npy_RejectsAnotherMagic", "a.npy", "NUMPY?",
       "a.npy: begins with 'NUMPY?', but an .npy file begins with '\\x93NUMPY'"},
      {"Npy_RejectsAnEmptyFile", "a.npy", "", "a.npy: begins with '', but an .npy file begins with '\\x93NUMPY'"},
      {"Npy_RejectsACutPreamble", "a.npy", good.substr(0, 9),
       "a.npy: ends after 9 bytes, but an .npy header takes at least 10"},
      {"Npy_RejectsACutVersion2Preamble", "a.npy", npy_file("", "", 2).substr(0, 11),
       "a.npy: ends after 11 bytes, but an .npy header takes at least 12"},
      {"Npy_RejectsVersion4", "a.npy", npy_file("", "", 4),
       "a.npy: is of .npy version 4, but only 1, 2 and 3 are known", kUnsupported},
      {"Npy_RejectsACutHeader", "a.npy", good.substr(0, 40),
       "a.npy: the header announces 60 bytes, but only 30 follow"},
      {"Npy_RejectsAHugeHeader", "a.npy", npy_file(std::string(70000, ' '), "", 2),
       "a.npy: the header has 70001 bytes, but at most 65536 are read", kLimit},
      {"Npy_RejectsAHeaderThatIsNoDictionary", "a.npy", npy_file("[1]", ""),
       "a.npy: byte 0 of the header is '[', but '{' must stand there"},
      {"Npy_RejectsAnUnfinishedDictionary", "a.npy", npy_file("{'descr': '<f4'", ""),
       "a.npy: byte 16 of the header is the end, but ',' or '}' must stand there"},
      {"Npy_RejectsTextBehindTheDictionary", "a.npy", npy_file(npy_dictionary("<f4", "(2,)") + " x", floats),
       "a.npy: byte 58 of the header is 'x', but the end must stand there"},
      {"Npy_RejectsAnUnquotedKey", "a.npy", npy_file("{descr: 1}", ""),
       "a.npy: byte 1 of the header is 'd', but a quoted key must stand there"},
      {"Npy_RejectsAnOpenQuote", "a.npy", npy_file("{'descr", ""),
       "a.npy: byte 1 of the header is ''', but a closing quote must stand there"},
      {"Npy_RejectsAKeyWithoutColon", "a.npy", npy_file("{'descr' '<f4'}", ""),
       "a.npy: byte 9 of the header is ''', but ':' must stand there"},
      {"Npy_RejectsAnUnknownKey", "a.npy", npy_file("{'order': 1}", ""),
       "a.npy: the header has the key 'order', but only descr, fortran_order and shape are defined"},
      {"Npy_RejectsAMissingKey", "a.npy", npy_file("{'descr': '<f4', 'shape': (2,)}", floats),
       "a.npy: the header lacks the key 'fortran_order'"},
      {"Npy_RejectsADoubledKey", "a.npy", npy_file("{'descr': '<f4', 'descr': '<f4'}", floats),
       "a.npy: the header has the key 'descr' twice"},
      {"Npy_RejectsAnOrderThatIsNoBool", "a.npy", replaced(good, "False", "Maybe"),
       "a.npy: byte 34 of the header is 'M', but True or False must stand there"},
      {"Npy_RejectsAShapeThatIsNoTuple", "a.npy", npy("<f4", "2", floats),
       "a.npy: byte 50 of the header is '2', but '(' must stand there"},
      {"Npy_RejectsAShapeOfText", "a.npy", npy("<f4", "(a,)", floats),
       "a.npy: byte 51 of the header is 'a', but a number must stand there"},
      {"Npy_RejectsAnUnclosedShape", "a.npy", npy("<f4", "(2 2)", floats),
       "a.npy: byte 53 of the header is '2', but ',' or ')' must stand there"},
      {"Npy_RejectsNegativeDimensions", "a.npy", npy("<f4", "(-1, 2)", floats),
       "a.npy: dimension 0 of the shape is -1, but must not be negative"},
      {"Npy_RejectsDimensionsBeyond64Bits", "a.npy", npy("<f4", "(2, 99999999999999999999)", floats),
       "a.npy: dimension 1 of the shape is 99999999999999999999, but must be below 2^64"},
      {"Npy_RejectsTooManyDimensions", "a.npy",
       npy("<f4",
           "(" +
               replaced(std::string(66, ' '), std::string(66, ' '),
                        "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1") +
               ")",
           floats),
       "a.npy: the shape has more than 32 dimensions", kLimit},
      {"Npy_RejectsOverflowedProducts", "a.npy", npy("<f4", "(4294967296, 4294967297)", floats),
       "a.npy: has 8 bytes of data, but shape (4294967296, 4294967297) of '<f4' needs more than 2^64"},
      {"Npy_RejectsATebielementInASmallFile", "a.npy", npy("<f4", "(1048576, 1048576)", floats),
       "a.npy: has 8 bytes of data, but shape (1048576, 1048576) of '<f4' needs 4398046511104"},
      {"Npy_RejectsCutData", "a.npy", npy("<f4", "(1, 3)", floats),
       "a.npy: has 8 bytes of data, but shape (1, 3) of '<f4' needs 12"},
      {"Npy_RejectsDataBehindTheEnd", "a.npy", npy("<f4", "(1, 1)", floats),
       "a.npy: has 8 bytes of data, but shape (1, 1) of '<f4' needs 4"},
      {"Npy_RejectsPickledObjects", "a.npy", npy("|O", "(1,)", floats),
       "a.npy: element type '|O' holds pickled Python objects, which are never run; save numbers instead",
       kUnsupported},
      {"Npy_RejectsComplexNumbers", "a.npy", npy("<c8", "(1,)", floats),
       "a.npy: element type '<c8' is not read, only f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 and b1", kUnsupported},
      {"Npy_RejectsStructuredTypes", "a.npy",
       npy_file("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,)}", floats),
       "a.npy: structured arrays are not read, only plain numbers; save the field that is wanted by itself",
       kUnsupported},
      {"Npy_RejectsOneDimension", "a.npy", npy("<f4", "(2,)", floats),
       "a.npy: has shape (2,), but a matrix has 2 dimensions (or 4 for a 1x1 convolution)"},
      {"Npy_RejectsNan", "a.npy", npy_floats("(1, 2)", {1, NAN}),
       "a.npy: a: row 0, column 1 is nan, but weights must be finite"},
      {"Npy_RejectsInfinity", "a.npy", npy("<f8", "(1, 1)", raw<double>({-1e300})),
       "a.npy: a: row 0, column 0 is -inf, but weights must be finite"},
      {"Npy_RejectsTextAsWeights", "a.npy", npy("|S1", "(1, 2)", "ab"), "a.npy: a: holds text, but numbers are needed"},
      {"Npy_RejectsTooManyRows", "a.npy", npy("|u1", "(4194305, 1)", std::string(4194305, '\0')),
       "a.npy: a: has 4194305 rows, but at most 4194304 are read", kLimit},
      {"Npy_RejectsTooManyColumns", "a.npy", npy("|u1", "(1, 4194305)", std::string(4194305, '\0')),
       "a.npy: a: has 4194305 columns, but at most 4194304 are read", kLimit},
      {"Npy_RejectsHugeArraysWithoutElements", "a.npy", npy("<f4", "(99999999999, 0)", ""),
       "a.npy: a: arrays without elements have 99999999999 rows or columns up to here, but at most 4194304 are read",
       kLimit},
      {"Npy_RejectsALargerConvolution", "a.npy", npy_floats("(2, 1, 3, 3)", std::vector<float>(18, 1.0f)),
       "a.npy: 'a' is of kind conv, but only 1x1 convolutions and fully-connected weights are matrices", kUnsupported,
       "0"},
  };
}

ZipEntry member(std::string name = "w.npy", std::string data = npy_floats("(1, 2)", {1, 2})) {
  ZipEntry e;
  e.name = std::move(name);
  e.data = std::move(data);
  return e;
}
std::string one(const std::function<void(ZipEntry&)>& change) {
  ZipEntry e = member();
  change(e);
  return zip_file({e});
}
std::string ended(const std::function<void(ZipEnd&)>& change) {
  ZipEnd end;
  change(end);
  return zip_file({member()}, end);
}

std::string patched(std::string bytes, size_t at, char value) {
  bytes.at(at) = value;
  return bytes;
}
ZipEntry huge(std::string name) {
  ZipEntry e = member(std::move(name), std::string(5 << 19, '\0'));
  e.method = uint16_t{8};
  e.unpacked = 0x7fffffffu;
  return e;
}
/// The directory's second entry points at a complete local entry inside the first one's data.
std::string overlapping() {
  const ZipEntry inner = member("v.npy");
  ZipEntry outer = member(), alias = inner;
  outer.data = zip_file({inner});
  alias.header_offset = 30 + 5;
  return zip_file({outer, alias});
}

std::vector<Malformed> zip_rows() {
  const std::string good = zip_file({member()});
  ZipEntry second = member("v.npy");
  second.header_offset = 0;
  second.local_name = "w.npy";
  ZipEntry shadow = member("w.npy");
  shadow.deflate = true;
  return {
      {"Zip_RejectsAFileTooShort", "a.npz", "PK", "a.npz: has 2 bytes, but a zip archive takes at least 22"},
      {"Zip_RejectsACutArchive", "a.npz", good.substr(0, good.size() - 1),
       "a.npz: has no zip end record in its last 185 bytes (cut short, or not a zip archive)"},
      {"Zip_RejectsPartsOfSeveral", "a.npz", ended([](ZipEnd& e) { e.disk = 2; }),
       "a.npz: is part 3 of a zip archive over several disks", kUnsupported},
      {"Zip_RejectsADirectoryElsewhere", "a.npz", ended([](ZipEnd& e) { e.directory_offset = 3; }),
       "a.npz: the zip directory of 51 bytes at byte 3 does not end at byte 164, where the end record begins"},
      {"Zip_RejectsMoreMembersThanFit", "a.npz", ended([](ZipEnd& e) { e.entries = 9; }),
       "a.npz: the zip directory announces 9 members, but its 51 bytes hold at most 1"},
      {"Zip_RejectsFewerMembersThanListed", "a.npz", ended([](ZipEnd& e) { e.entries = 0; }),
       "a.npz: the zip directory announces 0 members, but 51 bytes are left behind them"},
      {"Zip_RejectsAMissingZip64Record", "a.npz", ended([](ZipEnd& e) { e.entries = 0xffff; }),
       "a.npz: the zip end record refers to a zip64 record, but none stands before it"},
      {"Zip_RejectsALostZip64Record", "a.npz",
       replaced(ended([](ZipEnd& e) { e.zip64 = true; }), "PK\x06\x06", "PK\x06\x05"),
       "a.npz: the zip64 end record should be at byte 164, but is not there"},
      {"Zip_RejectsADamagedDirectory", "a.npz", replaced(good, "PK\x01\x02", "PK\x01\x03"),
       "a.npz: member 0 of 1 should be listed at byte 113, but is not"},
      {"Zip_RejectsACutDirectoryEntry", "a.npz", patched(good, 113 + 32, '\x7f'),
       "a.npz: the zip directory entry of member 0 takes 178 bytes, but 51 are left"},
      {"Zip_RejectsALocalNameIntoTheDirectory", "a.npz", patched(good, 27, '\x7f'),
       "a.npz: w.npy: its local header at byte 0 runs into the zip directory at byte 113"},
      {"Zip_RejectsAShortZip64Field", "a.npz", one([](ZipEntry& e) {
         e.zip64 = true;
         e.header_offset = 0xffffffffu;
       }),
       "a.npz: w.npy: its zip64 field has 16 bytes, but more sizes refer to it"},
      {"Zip_RejectsMoreThan4GiBInAll", "a.npz", zip_file({huge("a.npy"), huge("b.npy"), huge("c.npy")}),
       "a.npz: its members announce 6442450941 bytes or more, but at most 4294967296 are unpacked", kLimit},
      {"Zip_RejectsAMissingLocalHeader", "a.npz", "PK\x03\x05" + good.substr(4),
       "a.npz: w.npy: its local header should be at byte 0, but is not there"},
      {"Zip_RejectsALocalHeaderOutside", "a.npz", one([](ZipEntry& e) { e.header_offset = 100000; }),
       "a.npz: w.npy: its local header at byte 100000 does not fit before the zip directory at byte 113"},
      {"Zip_RejectsAnotherLocalName", "a.npz", one([](ZipEntry& e) { e.local_name = "v.npy"; }),
       "a.npz: w.npy: its local header names it 'v.npy'"},
      {"Zip_RejectsAnotherLocalMethod", "a.npz", one([](ZipEntry& e) { e.local_method = uint16_t{8}; }),
       "a.npz: w.npy: its local header says method 8, but the zip directory 0"},
      {"Zip_RejectsOtherLocalSizes", "a.npz", one([](ZipEntry& e) { e.local_packed = 5; }),
       "a.npz: w.npy: its local header says 5 bytes packed and 78 unpacked, but the zip directory 78 and 78"},
      {"Zip_RejectsEncryption", "a.npz", one([](ZipEntry& e) { e.flags = uint16_t{1}; }), "a.npz: w.npy: is encrypted",
       kUnsupported},
      {"Zip_RejectsPatches", "a.npz", one([](ZipEntry& e) { e.flags = uint16_t{32}; }), "a.npz: w.npy: is a zip patch",
       kUnsupported},
      {"Zip_RejectsOtherMethods", "a.npz", one([](ZipEntry& e) { e.method = uint16_t{12}; }),
       "a.npz: w.npy: is packed with zip method 12, but only 0 (stored) and 8 (deflated) are read", kUnsupported},
      {"Zip_RejectsStoredMembersOfTwoSizes", "a.npz", one([](ZipEntry& e) { e.unpacked = 9; }),
       "a.npz: w.npy: is stored, but has 78 bytes packed and 9 unpacked"},
      {"Zip_RejectsSizesThatDeflateCannotReach", "bomb.npz", one([](ZipEntry& e) {
         e.deflate = true;
         e.unpacked = 0x7fffffffu;
       }),
       "bomb.npz: w.npy: announces 2147483647 bytes from 75 packed ones, but deflate expands at most 1032 times"},
      {"Zip_RejectsMembersOver2GiB", "a.npz", one([](ZipEntry& e) {
         e.method = uint16_t{8};
         e.data.resize(3 << 20);
         e.unpacked = 0xc0000000u;
       }),
       "a.npz: w.npy: announces 3221225472 bytes, but at most 2147483648 are unpacked", kLimit},
      {"Zip_RejectsDataInTheDirectory", "a.npz", one([](ZipEntry& e) { e.packed = e.unpacked = 1000; }),
       "a.npz: w.npy: its 1000 packed bytes at byte 35 run into the zip directory at byte 113"},
      {"Zip_RejectsMissingZip64Fields", "a.npz", one([](ZipEntry& e) { e.packed = e.unpacked = 0xffffffffu; }),
       "a.npz: w.npy: a size refers to a zip64 field, but there is none"},
      {"Zip_RejectsAnotherCrc", "a.npz", one([](ZipEntry& e) { e.crc = 0x12345678u; }),
       "a.npz: w.npy: has CRC-32 65494827, but 12345678 is announced"},
      {"Zip_RejectsDamagedDeflateData", "a.npz", one([](ZipEntry& e) {
         e.method = uint16_t{8};
         e.data = "\xff\xff\xff\xff";
       }),
       "a.npz: w.npy: its deflate data is damaged after 0 bytes: invalid block type"},
      {"Zip_RejectsCutDeflateData", "a.npz", one([](ZipEntry& e) {
         e.method = uint16_t{8};
         e.data = std::string("\x00\x05\x00\xfa\xff\x01", 6);
       }),
       "a.npz: w.npy: its deflate data is damaged after 1 bytes: it ends too early"},
      {"Zip_RejectsMoreThanAnnounced", "a.npz", one([](ZipEntry& e) {
         e.deflate = true;
         e.unpacked = 10;
       }),
       "a.npz: w.npy: unpacks to more than the 10 bytes announced"},
      {"Zip_RejectsLessThanAnnounced", "a.npz", one([](ZipEntry& e) {
         e.deflate = true;
         e.unpacked = 100;
       }),
       "a.npz: w.npy: unpacks to 78 bytes, but 100 are announced"},
      {"Zip_RejectsBytesBehindDeflateData", "a.npz", one([](ZipEntry& e) {
         e.method = uint16_t{8};
         e.data = std::string("\x01\x01\x00\xfe\xff\x61ZZ", 8);
         e.unpacked = 1;
       }),
       "a.npz: w.npy: has 2 bytes behind the end of its deflate data"},
      {"Zip_RejectsDuplicateNames", "a.npz", zip_file({member(), shadow}), "a.npz: has two members named 'w.npy'"},
      {"Zip_RejectsOverlappingMembers", "a.npz", overlapping(),
       "a.npz: members 'w.npy' and 'v.npy' overlap: one ends at byte 221, the other begins at byte 35"},
      {"Zip_RejectsTwoMembersAtOnePlace", "a.npz", zip_file({member("v.npy"), second}),
       "a.npz: has two members named 'v.npy'"},
      {"Npz_NamesTheMemberOfABadArray", "a.npz", zip_file({member("w.npy", "nothing")}),
       "a.npz: w.npy: begins with 'nothin', but an .npy file begins with '\\x93NUMPY'"},
      {"Npz_RejectsABiasOfAnotherLength", "a.npz",
       zip_file({member("w.npy", npy_floats("(2, 3)", {1, 2, 3, 4, 5, 6})),
                 member("w_bias.npy", npy_floats("(4,)", {1, 2, 3, 4}))}),
       "a.npz: w: its bias 'w_bias' has 4 values, but the matrix has 2 rows"},
      {"Npz_RejectsABiasOfText", "a.npz",
       zip_file({member("w.npy", npy_floats("(1, 1)", {1})), member("w_bias.npy", npy("|S1", "(1,)", "a"))}),
       "a.npz: w: w_bias: holds text, but numbers are needed"},
      {"Npz_RejectsManyArraysWithoutElements", "a.npz",
       zip_file({member("v.npy", npy("<f4", "(4000000, 0)", "")), member("w.npy", npy("<f4", "(0, 4000000)", ""))}),
       "a.npz: w: arrays without elements have 8000000 rows or columns up to here, but at most 4194304 are read",
       kLimit},
      {"Npz_RejectsFilesWithoutMatrix", "a.npz", zip_file({member("v.npy", npy_floats("(1,)", {1}))}),
       "a.npz: holds no matrix among its 0 weights"},
  };
}

std::string scipy(std::string_view name, std::string data) {
  return zip_file(with_member(scipy_csr_members(), name, std::move(data)));
}
std::string scipy_without(std::string_view name) {
  std::vector<ZipEntry> entries = scipy_csr_members();
  std::erase_if(entries, [&](const ZipEntry& e) { return e.name == name; });
  return zip_file(entries);
}
std::string scipy_as(const char* format, const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<ZipEntry> entries = with_member(scipy_csr_members(), "format.npy", npy("|S3", "()", format));
  for (const auto& [name, data] : changes) {
    std::erase_if(entries, [&, n = name](const ZipEntry& e) { return e.name == n; });
    entries.push_back(member(name, data));
  }
  return zip_file(entries);
}

std::vector<Malformed> scipy_rows() {
  return {
      {"Npz_RejectsIndicesOutOfRange", "conv3.npz", scipy("indices.npy", npy_int32("(4,)", {0, 2, 4, 3})),
       "conv3.npz: row 1 has column 4, but the matrix has 4 columns (0..3)"},
      {"Npz_RejectsNegativeIndices", "a.npz", scipy("indices.npy", npy_int32("(4,)", {0, -1, 1, 3})),
       "a.npz: row 0 has column -1, but the matrix has 4 columns (0..3)"},
      {"Npz_RejectsIndicesOfAMatrixWithoutColumns", "a.npz", scipy("shape.npy", npy_int32("(2,)", {3, 0})),
       "a.npz: row 0 has column 0, but the matrix has 0 columns"},
      {"Npz_RejectsAMissingKey", "a.npz", scipy_without("indptr.npy"),
       "a.npz: lacks the key 'indptr' of a scipy.sparse file"},
      {"Npz_RejectsOtherSparseFormats", "a.npz", scipy_as("dia", {}),
       "a.npz: is in scipy.sparse format 'dia', but only csr, csc, coo and bsr are read; convert with .tocsr()",
       kUnsupported},
      {"Npz_RejectsAFormatOfNumbers", "a.npz", scipy("format.npy", npy_floats("()", {1})),
       "a.npz: format: has elements of type 'f4', but text is needed"},
      {"Npz_RejectsNegativeShapes", "a.npz", scipy("shape.npy", npy_int32("(2,)", {-3, 4})),
       "a.npz: 'shape' has the number -3, but must not be negative"},
      {"Npz_RejectsShapesOfThreeNumbers", "a.npz", scipy("shape.npy", npy_int32("(3,)", {3, 4, 1})),
       "a.npz: 'shape' has 3 numbers, but must have 2"},
      {"Npz_RejectsShapesOfFloats", "a.npz", scipy("shape.npy", npy_floats("(2,)", {3, 4})),
       "a.npz: shape: has elements of type 'f4', but integers are needed"},
      {"Npz_RejectsHugeShapes", "a.npz", scipy("shape.npy", npy_int32("(2,)", {2147483647, 4})),
       "a.npz: has 2147483647 rows, but at most 4194304 are read", kLimit},
      {"Npz_RejectsIndptrOfAnotherLength", "a.npz", scipy("indptr.npy", npy_int32("(3,)", {0, 2, 4})),
       "a.npz: 'indptr' has 3 entries, but 3 rows need 4"},
      {"Npz_RejectsIndptrOfTwoDimensions", "a.npz", scipy("indptr.npy", npy_int32("(2, 2)", {0, 2, 3, 4})),
       "a.npz: 'indptr' has shape (2, 2), but must have 1 dimension"},
      {"Npz_RejectsIndptrNotFromZero", "a.npz", scipy("indptr.npy", npy_int32("(4,)", {1, 2, 3, 4})),
       "a.npz: 'indptr' starts at 1, but must start at 0"},
      {"Npz_RejectsDescendingIndptr", "a.npz", scipy("indptr.npy", npy_int32("(4,)", {0, 3, 2, 4})),
       "a.npz: 'indptr' descends at row 1: 2 after 3"},
      {"Npz_RejectsIndptrBeyondTheEntries", "a.npz", scipy("indptr.npy", npy_int32("(4,)", {0, 2, 99, 4})),
       "a.npz: 'indptr' reaches 99 at row 1, but there are 4 entries"},
      {"Npz_RejectsIndptrThatEndsEarly", "a.npz", scipy("indptr.npy", npy_int32("(4,)", {0, 1, 2, 3})),
       "a.npz: 'indptr' ends at 3, but there are 4 entries"},
      {"Npz_RejectsAnotherCountOfIndices", "a.npz", scipy("indices.npy", npy_int32("(3,)", {0, 2, 1})),
       "a.npz: 'indices' has 3 entries, but 'data' has 4"},
      {"Npz_RejectsDataOfTwoDimensions", "a.npz", scipy("data.npy", npy_floats("(2, 2)", {1, 2, 3, 4})),
       "a.npz: 'data' has shape (2, 2), but must have 1 dimension"},
      {"Npz_RejectsDataOfText", "a.npz", scipy("data.npy", npy("|S1", "(4,)", "abcd")),
       "a.npz: data: holds text, but numbers are needed"},
      {"Npz_RejectsNanValues", "a.npz", scipy("data.npy", npy_floats("(4,)", {1, 2, NAN, 4})),
       "a.npz: row 1, column 1 is nan, but weights must be finite"},
      {"Npz_RejectsCscRowsOutOfRange", "a.npz", scipy_as("csc", {{"shape.npy", npy_int32("(2,)", {3, 3})}}),
       "a.npz: column 2 has row 3, but the matrix has 3 rows (0..2)"},
      {"Npz_RejectsCooOfTwoLengths", "a.npz",
       scipy_as("coo", {{"row.npy", npy_int32("(3,)", {0, 1, 2})}, {"col.npy", npy_int32("(4,)", {0, 1, 2, 3})}}),
       "a.npz: 'row' has 3 entries, but 'data' has 4"},
      {"Npz_RejectsCooRowsOutOfRange", "a.npz",
       scipy_as("coo", {{"row.npy", npy_int32("(4,)", {0, 1, 2, 3})}, {"col.npy", npy_int32("(4,)", {0, 1, 2, 3})}}),
       "a.npz: entry 3 has row 3, but the matrix has 3 rows"},
      {"Npz_RejectsBlocksThatDoNotDivide", "a.npz",
       scipy_as("bsr", {{"data.npy", npy_floats("(1, 2, 2)", {1, 2, 3, 4})}}),
       "a.npz: blocks of 2 x 2 do not divide a matrix of 3 x 4"},
      {"Npz_RejectsBlockColumnsOutOfRange", "a.npz",
       scipy_as("bsr", {{"data.npy", npy_floats("(1, 1, 2)", {1, 2})},
                        {"indptr.npy", npy_int32("(4,)", {0, 0, 1, 1})},
                        {"indices.npy", npy_int32("(1,)", {2})}}),
       "a.npz: block row 1 has block column 2, but the matrix has 2 block columns (0..1)"},
  };
}

std::string mtx(std::string_view kind, std::string_view rest) {
  return fmt::format("%%MatrixMarket matrix {}\n{}", kind, rest);
}

std::vector<Malformed> text_rows() {
  constexpr const char* kReal = "coordinate real general";
  return {
      {"Mtx_RejectsAnotherBanner", "a.mtx", "%%Matrix x\n",
       "a.mtx: line 1: is '%%Matrix x', but must begin with '%%MatrixMarket matrix'"},
      {"Mtx_RejectsAnotherFormat", "a.mtx", mtx("list real general", ""),
       "a.mtx: line 1: the format is 'list', but must be coordinate or array"},
      {"Mtx_RejectsComplexValues", "a.mtx", mtx("coordinate complex general", ""),
       "a.mtx: line 1: complex values are not read, only real, integer and pattern", kUnsupported},
      {"Mtx_RejectsHermitian", "a.mtx", mtx("coordinate real hermitian", ""),
       "a.mtx: line 1: hermitian matrices are not read, only general, symmetric and skew-symmetric", kUnsupported},
      {"Mtx_RejectsAnotherField", "a.mtx", mtx("coordinate text general", ""),
       "a.mtx: line 1: the field is 'text', but must be real, integer or pattern"},
      {"Mtx_RejectsAnotherSymmetry", "a.mtx", mtx("coordinate real", ""),
       "a.mtx: line 1: the symmetry is '', but must be general, symmetric or skew-symmetric"},
      {"Mtx_RejectsPatternArrays", "a.mtx", mtx("array pattern general", ""),
       "a.mtx: line 1: a pattern cannot be an array"},
      {"Mtx_RejectsSkewSymmetricPatterns", "a.mtx", mtx("coordinate pattern skew-symmetric", ""),
       "a.mtx: line 1: a pattern cannot be skew-symmetric"},
      {"Mtx_RejectsMissingSizes", "a.mtx", mtx(kReal, "% only a comment\n"),
       "a.mtx: line 2: the file ends before its sizes"},
      {"Mtx_RejectsNegativeSizes", "a.mtx", mtx(kReal, "-2 2 1\n"),
       "a.mtx: line 2: '-2' is not a whole number of at least 0"},
      {"Mtx_RejectsSizesBeyond64Bits", "a.mtx", mtx(kReal, "2 2 99999999999999999999\n"),
       "a.mtx: line 2: '99999999999999999999' is not a whole number of at least 0"},
      {"Mtx_RejectsExtraSizes", "a.mtx", mtx(kReal, "2 2 1 7\n"), "a.mtx: line 2: has '7' behind its last number"},
      {"Mtx_RejectsTooManyRows", "a.mtx", mtx(kReal, "4194305 2 0\n"),
       "a.mtx: line 2: has 4194305 rows, but at most 4194304 are read", kLimit},
      {"Mtx_RejectsMoreEntriesThanTheFileHolds", "a.mtx", mtx(kReal, "2 2 1099511627776\n"),
       "a.mtx: line 2: announces 1099511627776 entries, but a file of 64 bytes holds at most 16"},
      {"Mtx_RejectsHugeArrays", "a.mtx", mtx("array real general", "4194304 4194304\n"),
       "a.mtx: line 2: announces 17592186044416 entries, but a file of 57 bytes holds at most 29"},
      {"Mtx_RejectsOblongSymmetry", "a.mtx", mtx("coordinate real symmetric", "2 3 0\n"),
       "a.mtx: line 2: a symmetric matrix must be square, but this one is 2 x 3"},
      {"Mtx_RejectsMissingEntries", "a.mtx", mtx(kReal, "2 2 2\n1 1 5\n"),
       "a.mtx: line 3: the file ends after 1 of 2 entries"},
      {"Mtx_RejectsMissingArrayValues", "a.mtx", mtx("array real general", "2 2\n1\n2\n3\n"),
       "a.mtx: line 5: the file ends after 3 of 4 entries"},
      {"Mtx_RejectsMoreEntriesThanAnnounced", "a.mtx", mtx(kReal, "2 2 1\n1 1 5\n2 2 5\n"),
       "a.mtx: line 4: has text behind the last of 1 entries"},
      {"Mtx_RejectsRowZero", "a.mtx", mtx(kReal, "2 2 1\n0 1 5\n"), "a.mtx: line 3: row 0 is outside of 1..2"},
      {"Mtx_RejectsColumnsOutOfRange", "a.mtx", mtx(kReal, "2 2 1\n1 3 5\n"),
       "a.mtx: line 3: column 3 is outside of 1..2"},
      {"Mtx_RejectsTheUpperTriangle", "a.mtx", mtx("coordinate real symmetric", "2 2 1\n1 2 5\n"),
       "a.mtx: line 3: row 1, column 2 is not in the lower triangle, which symmetric files hold"},
      {"Mtx_RejectsASkewDiagonal", "a.mtx", mtx("coordinate real skew-symmetric", "2 2 1\n1 1 5\n"),
       "a.mtx: line 3: row 1, column 1 is not in the lower triangle, which skew-symmetric files hold"},
      {"Mtx_RejectsMissingValues", "a.mtx", mtx(kReal, "2 2 1\n1 1\n"), "a.mtx: line 3: '' is not a number"},
      {"Mtx_RejectsFractionsInIntegerFiles", "a.mtx", mtx("coordinate integer general", "2 2 1\n1 1 1.5\n"),
       "a.mtx: line 3: '1.5' is not a whole number"},
      {"Mtx_RejectsNan", "a.mtx", mtx(kReal, "2 2 1\n2 1 nan\n"),
       "a.mtx: row 1, column 0 is nan, but weights must be finite"},
      {"Smtx_RejectsTwoSizes", "a.smtx", "2, 3\n",
       "a.smtx: line 1: has 2 numbers, but 3 (rows, columns, nonzeros) are needed"},
      {"Smtx_RejectsText", "a.smtx", "2, x, 3\n", "a.smtx: line 1: 'x' is not a whole number of at least 0"},
      {"Smtx_RejectsTooManyRows", "a.smtx", "4194305, 1, 0\n", "a.smtx: has 4194305 rows, but at most 4194304 are read",
       kLimit},
      {"Smtx_RejectsMissingOffsets", "a.smtx", "2, 3, 1\n0 1\n",
       "a.smtx: line 2: has 2 numbers, but 3 row offsets are needed"},
      {"Smtx_RejectsMissingColumns", "a.smtx", "2, 3, 2\n0 1 2\n",
       "a.smtx: line 3: has 0 numbers, but 2 column indices are needed"},
      {"Smtx_RejectsMoreLines", "a.smtx", "1, 3, 1\n0 1\n2\n7\n",
       "a.smtx: line 4: has text, but an .smtx file has 3 lines"},
      {"Smtx_RejectsOffsetsThatEndElsewhere", "a.smtx", "1, 3, 1\n0 2\n2\n",
       "a.smtx: row offsets end at 2, but there are 1 column indices"},
      {"Smtx_RejectsOffsetsBeyondTheEnd", "a.smtx", "2, 3, 1\n0 9 1\n2\n",
       "a.smtx: row offsets descend at row 1: 1 after 9"},
      {"Smtx_RejectsColumnsOutOfRange", "a.smtx", "1, 3, 1\n0 1\n3\n",
       "a.smtx: row 0 has column 3, but the matrix has 3 columns (0..2)"},
      {"Smtx_RejectsDoubledColumns", "a.smtx", "1, 3, 2\n0 2\n1 1\n", "a.smtx: row 0 has column 1 twice"},
      {"File_RejectsUnknownFormats", "a.onnx", "hello",
       "a.onnx: is of no known format (.npy, .npz, .mtx, .smtx, .tflite)"},
      {"Select_RejectsUnknownNames", "a.smtx", "1, 1, 0\n0 0\n", "a.smtx: has no weights named 'b'",
       ErrorKind::kBadInput, "b"},
      {"Select_RejectsIndicesOutOfRange", "a.smtx", "1, 1, 0\n0 0\n",
       "a.smtx: weights 1 are selected, but the file has 1", ErrorKind::kBadInput, "1"},
  };
}

std::string model(const std::function<void(TestModel&)>& change) {
  TestModel m = sparse_conv_model();
  change(m);
  return tflite_file(m);
}
std::string level(size_t index, const std::function<void(TestLevel&)>& change) {
  return model([&](TestModel& m) { change(m.tensors[1].sparsity->levels[index]); });
}
std::string sparsity(const std::function<void(TestSparsity&)>& change) {
  return model([&](TestModel& m) { change(*m.tensors[1].sparsity); });
}
std::string dense(const std::function<void(TestModel&)>& change) {
  TestModel m = dense_conv_model();
  change(m);
  return tflite_file(m);
}
std::string int8_weights(const std::function<void(TestTensor&)>& change) {
  return dense([&](TestModel& m) {
    m.tensors[1].type = 9;
    m.tensors[1].data = std::string(24, '\1');
    m.tensors[1].scales = {1.0f};
    m.tensors[1].zero_points = {0};
    change(m.tensors[1]);
  });
}

std::vector<Malformed> tflite_rows() {
  const std::string good = model([](TestModel&) {});
  return {
      {"Tflite_RejectsAnotherIdentifier", "a.tflite", replaced(good, "TFL3", "TFL2"),
       "a.tflite: has 'TFL2' at byte 4, but a TFLite model has 'TFL3'"},
      {"Tflite_RejectsAnEmptyFile", "a.tflite", "", "a.tflite: has '' at byte 4, but a TFLite model has 'TFL3'"},
      {"Tflite_RejectsARootOutside", "a.tflite", "\x7f\x7f\x7f\x7f" + good.substr(4),
       "a.tflite: a table takes 4 bytes from byte 2139062143, but the file has 932"},
      {"Tflite_RejectsAVtableBeforeTheFile", "a.tflite", std::string("\x08\0\0\0TFL3\x7f\x7f\0\0", 12),
       "a.tflite: the table at byte 8 has its vtable at byte -32631, before the file begins"},
      {"Tflite_RejectsAVtableBehindTheFile", "a.tflite", std::string("\x08\0\0\0TFL3\xff\xff\xff\xff\x40\0", 14),
       "a.tflite: a vtable takes 65535 bytes from byte 9, but the file has 14"},
      {"Tflite_RejectsACutFile", "a.tflite", good.substr(0, good.size() - 40),
       "a.tflite: subgraph 0: a tensor's name takes 4 bytes from byte 912, but the file has 892"},
      {"Tflite_RejectsAnotherSchema", "a.tflite", model([](TestModel& m) { m.version = 2; }),
       "a.tflite: is of TFLite schema version 2, but only 3 is read", kUnsupported},
      {"Tflite_RejectsUnknownOperatorCodes", "a.tflite", model([](TestModel& m) { m.operators[1].code_index = 7; }),
       "a.tflite: subgraph 0: operator 1: uses operator code 7, but the model has 2"},
      {"Tflite_RejectsTensorsOutOfRange", "a.tflite", model([](TestModel& m) { m.operators[1].inputs[1] = 99; }),
       "a.tflite: layer/Relu6: CONV_2D has weights in tensor 99, but the subgraph has 5"},
      {"Tflite_RejectsBuffersOutOfRange", "a.tflite", model([](TestModel& m) { m.tensors[1].buffer = 99; }),
       "a.tflite: layer/Relu6: is in buffer 99, but the model has 6"},
      {"Tflite_RejectsEndlessChains", "a.tflite", model([](TestModel& m) { m.operators[0].inputs[0] = 2; }),
       "a.tflite: layer/Relu6: more than 4 DENSIFY and DEQUANTIZE operators follow each other"},
      {"Tflite_RejectsComputedWeightsBehindDensify", "a.tflite",
       model([](TestModel& m) { m.operators[0].inputs[0] = 0; }),
       "a.tflite: layer/Relu6: tensor 0 ('input') is not constant"},
      {"Tflite_RejectsZeroDimensions", "a.tflite", model([](TestModel& m) { m.tensors[1].shape[0] = 0; }),
       "a.tflite: layer/Relu6: dimension 0 is 0, but must be at least 1"},
      {"Tflite_RejectsTooManyDimensions", "a.tflite", model([](TestModel& m) { m.tensors[1].shape.resize(9, 1); }),
       "a.tflite: layer/Relu6: has 9 dimensions, but at most 8 are read", kLimit},
      {"Tflite_RejectsHugeShapes", "a.tflite",
       model([](TestModel& m) { m.tensors[1].shape = {2147483647, 1, 1, 2147483647}; }),
       "a.tflite: layer/Relu6: has shape (2147483647, 1, 1, 2147483647), but at most 1099511627776 elements are read",
       kLimit},
      {"Tflite_RejectsConvolutionsOfTwoDimensions", "a.tflite",
       dense([](TestModel& m) { m.tensors[1].shape = {4, 6}; }),
       "a.tflite: layer: CONV_2D has weights of 2 dimensions, but must have 4"},
      {"Tflite_RejectsTooManyRows", "a.tflite", model([](TestModel& m) {
         TestTensor& w = m.tensors[1];
         w.shape = {4194305, 1, 1, 2};
         m.tensors[0].shape[3] = 2;
         w.sparsity = TestSparsity{{0, 1, 2, 3},
                                   {},
                                   {{1, 0, {0, 7}, {0, 1, 2, 3, 4, 5, 6}},
                                    {0, 1},
                                    {0, 1},
                                    {1, 0, {0, 1, 2, 3, 4, 5, 6, 7}, {0, 0, 0, 0, 0, 0, 0}}}};
       }),
       "a.tflite: layer/Relu6: weights: has 4194305 rows, but at most 4194304 are read", kLimit},
      {"Tflite_RejectsOtherElementTypes", "a.tflite", dense([](TestModel& m) { m.tensors[1].type = 2; }),
       "a.tflite: layer: weights: has element type 2, but only 0 (float32), 1 (float16) and 9 (int8) are read",
       kUnsupported},
      {"Tflite_RejectsBuffersOfHalfAnElement", "a.tflite", model([](TestModel& m) { m.tensors[1].data += "x"; }),
       "a.tflite: layer/Relu6: weights: its buffer has 29 bytes, but an element takes 4"},
      {"Tflite_RejectsDenseBuffersOfAnotherSize", "a.tflite", dense([](TestModel& m) { m.tensors[1].data += "wxyz"; }),
       "a.tflite: layer: weights: its buffer has 100 bytes, but shape (4, 1, 1, 6) needs 96"},
      {"Tflite_RejectsNan", "a.tflite", dense([](TestModel& m) { m.tensors[1].data.replace(4, 4, raw<float>({NAN})); }),
       "a.tflite: layer: weights: row 0, column 1 is nan, but weights must be finite"},
      {"Tflite_RejectsABiasOfAnotherLength", "a.tflite",
       model([](TestModel& m) { m.tensors[3] = {.name = "b", .shape = {2}, .data = raw<float>({1, 2})}; }),
       "a.tflite: layer/Relu6: bias: has 2 values, but the layer has 4 outputs"},
      {"Tflite_RejectsAComputedBias", "a.tflite", model([](TestModel& m) { m.operators[1].inputs[2] = 0; }),
       "a.tflite: layer/Relu6: bias: tensor 0 ('input') is not constant"},
      {"Tflite_RejectsABiasOutOfRange", "a.tflite", model([](TestModel& m) { m.operators[1].inputs[2] = 5; }),
       "a.tflite: layer/Relu6: bias: refers to tensor 5, but the subgraph has 5"},
      {"Tflite_RejectsOtherActivations", "a.tflite", model([](TestModel& m) { m.operators[1].activation = 4; }),
       "a.tflite: layer/Relu6: its fused activation is 4, but only 0 (none), 1 (relu), 2 (relu_n1_to_1) and 3 (relu6) "
       "are known",
       kUnsupported},
      {"Tflite_RejectsShuffledWeights", "a.tflite", dense([](TestModel& m) {
         m.tensors[1].shape = {4, 6};
         m.operators[0].code = 9;
         m.operators[0].weights_format = 1;
       }),
       "a.tflite: layer: its weights are in format 1, but only 0 (plain) is known", kUnsupported},
      {"Tflite_RejectsInt8WithoutScale", "a.tflite", int8_weights([](TestTensor& t) { t.scales.clear(); }),
       "a.tflite: layer: weights: is int8, but has no quantization scale"},
      {"Tflite_RejectsScalesThatFitNoDimension", "a.tflite", int8_weights([](TestTensor& t) { t.scales = {1, 2, 3}; }),
       "a.tflite: layer: weights: has 3 quantization scales along dimension 0 of shape (4, 1, 1, 6)"},
      {"Tflite_RejectsOtherCountsOfZeroPoints", "a.tflite", int8_weights([](TestTensor& t) { t.zero_points = {1, 2}; }),
       "a.tflite: layer: weights: has 1 quantization scales, but 2 zero points"},
      {"Tflite_RejectsTraversalOrdersOfAnotherLength", "a.tflite",
       sparsity([](TestSparsity& s) { s.traversal_order.pop_back(); }),
       "a.tflite: layer/Relu6: weights: its traversal order has 3 entries, but 4 dimensions and 0 block dimensions "
       "need 4"},
      {"Tflite_RejectsMissingLevels", "a.tflite", sparsity([](TestSparsity& s) { s.levels.pop_back(); }),
       "a.tflite: layer/Relu6: weights: it has metadata for 3 sparse levels, but its traversal order has 4"},
      {"Tflite_RejectsTooManyLevels", "a.tflite", sparsity([](TestSparsity& s) { s.block_map.resize(13); }),
       "a.tflite: layer/Relu6: weights: has 17 sparse levels, but at most 16 are read", kLimit},
      {"Tflite_RejectsTraversalOutOfRange", "a.tflite", sparsity([](TestSparsity& s) { s.traversal_order[0] = -4; }),
       "a.tflite: layer/Relu6: weights: entry 0 of its traversal order is -4, but must be in 0..3"},
      {"Tflite_RejectsDoubledTraversal", "a.tflite", sparsity([](TestSparsity& s) { s.traversal_order[0] = 1; }),
       "a.tflite: layer/Relu6: weights: its traversal order has dimension 1 twice"},
      {"Tflite_RejectsBlockMapsOutOfRange", "a.tflite", sparsity([](TestSparsity& s) {
         s = {{0, 1, 2, 3, 4}, {4}, s.levels};
         s.levels.push_back({0, 2});
       }),
       "a.tflite: layer/Relu6: weights: entry 0 of its block map is 4, but must be in 0..3"},
      {"Tflite_RejectsDoubledBlockMaps", "a.tflite", sparsity([](TestSparsity& s) {
         s = {{0, 1, 2, 3, 4, 5}, {0, 0}, s.levels};
         s.levels.insert(s.levels.end(), 2, {0, 2});
       }),
       "a.tflite: layer/Relu6: weights: its block map has dimension 0 twice"},
      {"Tflite_RejectsBlocksThatDoNotDivide", "a.tflite", sparsity([](TestSparsity& s) {
         s = {{0, 1, 2, 3, 4}, {3}, s.levels};
         s.levels.push_back({0, 4});
       }),
       "a.tflite: layer/Relu6: weights: blocks of 4 do not divide its dimension 3 of 6"},
      {"Tflite_RejectsOtherLevelFormats", "a.tflite", level(3, [](TestLevel& l) { l.format = 2; }),
       "a.tflite: layer/Relu6: weights: sparse level 3: has format 2, but must be 0 (dense) or 1 (compressed)"},
      {"Tflite_RejectsDenseLevelsOfAnotherSize", "a.tflite", level(0, [](TestLevel& l) { l.dense_size = 5; }),
       "a.tflite: layer/Relu6: weights: sparse level 0: is dense with size 5, but its dimension has 4"},
      {"Tflite_RejectsSegmentsOfAnotherCount", "a.tflite", level(3, [](TestLevel& l) { l.segments.pop_back(); }),
       "a.tflite: layer/Relu6: weights: sparse level 3: has 4 segments, but 4 positions above it need 5"},
      {"Tflite_RejectsSegmentsNotFromZero", "a.tflite", level(3, [](TestLevel& l) { l.segments[0] = 1; }),
       "a.tflite: layer/Relu6: weights: sparse level 3: its segments start at 1, but must start at 0"},
      {"Tflite_RejectsDescendingSegments", "a.tflite", level(3, [](TestLevel& l) { l.segments[2] = 1; }),
       "a.tflite: layer/Relu6: weights: sparse level 3: its segments descend at position 1: 1 after 2"},
      {"Tflite_RejectsSegmentsBeyondTheIndices", "a.tflite", level(3, [](TestLevel& l) { l.segments[1] = 90; }),
       "a.tflite: layer/Relu6: weights: sparse level 3: its segments reach 90 at position 0, but there are 7 indices"},
      {"Tflite_RejectsSegmentsThatEndEarly", "a.tflite", level(3, [](TestLevel& l) { l.segments[4] = 6; }),
       "a.tflite: layer/Relu6: weights: sparse level 3: its segments end at 6, but there are 7 indices"},
      {"Tflite_RejectsUnknownIndexVectors", "a.tflite", level(3, [](TestLevel& l) { l.indices_type = 9; }),
       "a.tflite: layer/Relu6: weights: sparse level 3: has index vectors of types 1 and 9, but they must be 1 "
       "(int32), 2 (uint16) or 3 (uint8)"},
      {"Tflite_RejectsDataOutsideOfTheFlatbuffer", "a.tflite", model([](TestModel& m) { m.tensors[1].outside = 4096; }),
       "a.tflite: layer/Relu6: has its data outside of the flatbuffer, at byte 4096", kUnsupported},
      {"Tflite_RejectsOneTableListedAMillionTimes", "a.tflite", model([](TestModel& m) { m.more_codes = 1 << 20; }),
       "a.tflite: the model lists 1048579 things or more, but at most 1048576 are read", kLimit},
      {"Tflite_RejectsIndicesOutOfRange", "a.tflite", level(3, [](TestLevel& l) { l.indices[3] = 6; }),
       "a.tflite: layer/Relu6: weights: sparse level 3: index 3 is 6, but its dimension has 6"},
      {"Tflite_RejectsDescendingIndices", "a.tflite", level(3, [](TestLevel& l) { l.indices[1] = 0; }),
       "a.tflite: layer/Relu6: weights: sparse level 3: index 1 is 0 after 0, but indices must ascend"},
      {"Tflite_RejectsAnotherCountOfValues", "a.tflite", model([](TestModel& m) { m.tensors[1].data += "wxyz"; }),
       "a.tflite: layer/Relu6: weights: its sparsity parameters describe 7 values, but the buffer holds 8"},
      {"Tflite_RejectsDenseLevelsBeyondTheValues", "a.tflite", model([](TestModel& m) {
         m.tensors[1].shape = {65536, 1, 1, 65536};
         m.tensors[1].sparsity->levels = {{0, 65536}, {0, 1}, {0, 1}, {0, 65536}};
       }),
       "a.tflite: layer/Relu6: weights: sparse level 3: describes 4294967296 positions, but the buffer holds only 7 "
       "values"},
      {"Tflite_RejectsModelsWithoutMatrix", "a.tflite", model([](TestModel& m) { m.operators.pop_back(); }),
       "a.tflite: holds no matrix among its 0 weights"},
      {"Tflite_RejectsASharedWeightTooOften", "a.tflite", dense([](TestModel& m) {
         m.tensors[0].shape[3] = m.tensors[1].shape[3] = 16384;
         m.tensors[1].data = std::string(65536 * 4, '\0');
         m.operators.resize(300, m.operators[0]);
       }),
       "a.tflite: layer: weights: decoding 65536 more entries or rows exceeds what a file of this size may ask for",
       kLimit},
      {"Tflite_RejectsManyEmptyRows", "a.tflite", model([](TestModel& m) {
         TestTensor& w = m.tensors[1];
         w.shape = {4000000, 1, 1, 2};
         m.tensors[0].shape[3] = 2;
         w.sparsity = TestSparsity{{0, 1, 2, 3},
                                   {},
                                   {{1, 0, {0, 7}, {0, 1, 2, 3, 4, 5, 6}},
                                    {0, 1},
                                    {0, 1},
                                    {1, 0, {0, 1, 2, 3, 4, 5, 6, 7}, {0, 0, 0, 0, 0, 0, 0}}}};
       }),
       "a.tflite: layer/Relu6: weights: decoding 4000000 more entries or rows exceeds what a file of this size may ask "
       "for",
       kLimit},
      {"Select_RejectsDoubledNames", "a.tflite", dense([](TestModel& m) { m.operators.resize(2, m.operators[0]); }),
       "a.tflite: weights 0 and 1 are both named 'layer'; select by index", ErrorKind::kBadInput, "layer"},
      {"Select_RejectsWhatIsNoMatrix", "a.tflite", dense([](TestModel& m) { m.tensors[1].shape = {1, 2, 2, 6}; }),
       "a.tflite: 'layer' is of kind conv, but only 1x1 convolutions and fully-connected weights are matrices",
       kUnsupported, "layer"},
  };
}

class MalformedFile : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedFile, IsRefused) {
  const Malformed& row = GetParam();
  ImportOptions options;
  options.select = row.select;
  const Result<std::vector<NamedMatrix>> matrices = parse_matrices(row.file, as_byte_span(row.bytes), options);
  ASSERT_FALSE(matrices);
  EXPECT_EQ(matrices.error().message, row.message);
  EXPECT_EQ(static_cast<int>(matrices.error().kind), static_cast<int>(row.kind));
}

std::string row_name(const ::testing::TestParamInfo<Malformed>& row) { return row.param.name; }

INSTANTIATE_TEST_SUITE_P(Npy, MalformedFile, ::testing::ValuesIn(npy_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(Zip, MalformedFile, ::testing::ValuesIn(zip_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(Scipy, MalformedFile, ::testing::ValuesIn(scipy_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(Text, MalformedFile, ::testing::ValuesIn(text_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(Tflite, MalformedFile, ::testing::ValuesIn(tflite_rows()), row_name);

}  // namespace
}  // namespace espalier::test
