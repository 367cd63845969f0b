#include "ir/c_names.h"

#include <algorithm>
#include <iterator>

namespace espalier {
namespace {

// Each table in the order of characters: they are searched by halves.

// clang-format off
constexpr std::string_view kKeywords[] = {
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
    "const_cast", "consteval", "constexpr", "constinit", "continue", "contract_assert", "decltype", "default", "delete",
    "do", "double", "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend",
    "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
    "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "restrict",
    "return", "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template",
    "this", "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "typeof", "typeof_unqual", "union",
    "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
};

/// Of <stddef.h> and <stdint.h>, which every emitted header includes.
constexpr std::string_view kTypes[] = {
    "NULL", "int16_t", "int32_t", "int64_t", "int8_t", "int_fast16_t", "int_fast32_t", "int_fast64_t", "int_fast8_t",
    "int_least16_t", "int_least32_t", "int_least64_t", "int_least8_t", "intmax_t", "intptr_t", "max_align_t",
    "nullptr_t", "offsetof", "ptrdiff_t", "size_t", "uint16_t", "uint32_t", "uint64_t", "uint8_t", "uint_fast16_t",
    "uint_fast32_t", "uint_fast64_t", "uint_fast8_t", "uint_least16_t", "uint_least32_t", "uint_least64_t",
    "uint_least8_t", "uintmax_t", "uintptr_t", "unreachable",
};

/// Of the C standard library (and what <stdlib.h> declares besides: <immintrin.h> includes it), without the forms for
/// float and long double.
constexpr std::string_view kFunctions[] = {
    "abort", "abs", "acos", "acosh", "alloca", "asctime", "asin", "asinh", "assert", "atan", "atan2", "atanh", "atexit",
    "atof", "atoi", "atol", "atoll", "bsearch", "cabs", "cacos", "cacosh", "calloc", "carg", "casin", "casinh", "catan",
    "catanh", "cbrt", "ccos", "ccosh", "ceil", "cexp", "cimag", "clearerr", "clock", "clog", "close", "conj",
    "copysign", "cos", "cosh", "cpow", "cproj", "creal", "csin", "csinh", "csqrt", "ctan", "ctanh", "ctime", "difftime",
    "div", "drand48", "environ", "erand48", "erf", "erfc", "errno", "exit", "exp", "exp2", "expm1", "fabs", "fclose",
    "fdim", "feof", "ferror", "fflush", "fgetc", "fgetpos", "fgets", "floor", "fma", "fmax", "fmin", "fmod", "fopen",
    "fork", "fprintf", "fputc", "fputs", "fread", "free", "freopen", "frexp", "fscanf", "fseek", "fsetpos", "ftell",
    "fwrite", "gamma", "getc", "getchar", "getenv", "gets", "gmtime", "hypot", "ilogb", "index", "isalnum", "isalpha",
    "isblank", "iscntrl", "isdigit", "isgraph", "islower", "isprint", "ispunct", "isspace", "isupper", "isxdigit", "j0",
    "j1", "jn", "kill", "labs", "ldexp", "ldiv", "lgamma", "link", "llabs", "lldiv", "llrint", "llround", "localeconv",
    "localtime", "log", "log10", "log1p", "log2", "logb", "longjmp", "lrint", "lround", "malloc", "memchr", "memcmp",
    "memcpy", "memmove", "memset", "mkstemp", "mktime", "modf", "nan", "nearbyint", "nextafter", "nexttoward", "open",
    "perror", "pipe", "pow", "printf", "putc", "putchar", "putenv", "puts", "qsort", "raise", "rand", "random", "read",
    "realloc", "realpath", "remainder", "remove", "remquo", "rename", "rewind", "rindex", "rint", "round", "scalbln",
    "scalbn", "scanf", "select", "setbuf", "setenv", "setjmp", "setlocale", "setvbuf", "signal", "sin", "sinh", "sleep",
    "snprintf", "sprintf", "sqrt", "srand", "srandom", "sscanf", "stderr", "stdin", "stdout", "strcat", "strchr",
    "strcmp", "strcoll", "strcpy", "strcspn", "strerror", "strftime", "strlen", "strncat", "strncmp", "strncpy",
    "strpbrk", "strrchr", "strspn", "strstr", "strtod", "strtof", "strtok", "strtol", "strtold", "strtoll", "strtoul",
    "strtoull", "strxfrm", "system", "tan", "tanh", "tgamma", "time", "tmpfile", "tmpnam", "tolower", "toupper",
    "trunc", "ungetc", "va_arg", "va_copy", "va_end", "va_start", "vfprintf", "vfscanf", "vprintf", "vscanf",
    "vsnprintf", "vsprintf", "vsscanf", "write", "y0", "y1", "yn",
};

/// Parameters of emitted functions, macros of compilers without -std, the entry of a program, the memory of a module.
constexpr std::string_view kUsed[] = {
    "linux", "main", "memory", "pixels", "unix", "x", "y",
};
// clang-format on

template <size_t kCount>
constexpr bool holds(const std::string_view (&table)[kCount], std::string_view name) {
  return std::binary_search(std::begin(table), std::end(table), name);
}

static_assert(std::is_sorted(std::begin(kKeywords), std::end(kKeywords)));
static_assert(std::is_sorted(std::begin(kTypes), std::end(kTypes)));
static_assert(std::is_sorted(std::begin(kFunctions), std::end(kFunctions)));
static_assert(std::is_sorted(std::begin(kUsed), std::end(kUsed)));

/// sinf and sinl as well as sin.
bool is_function(std::string_view name) {
  if (holds(kFunctions, name)) return true;
  return (name.ends_with('f') || name.ends_with('l')) && holds(kFunctions, name.substr(0, name.size() - 1));
}

}  // namespace

bool is_reserved_in_c(std::string_view name) {
  if (name.starts_with('_') || name.starts_with("espalier_") || name.starts_with("ESPALIER_")) return true;
  return holds(kKeywords, name) || holds(kTypes, name) || is_function(name) || holds(kUsed, name);
}

}  // namespace espalier
