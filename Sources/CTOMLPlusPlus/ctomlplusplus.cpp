#include "CTOMLPlusPlus.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#include <toml++/toml.h>

namespace {

struct Walk {
	fender_toml_visitor visit;
	void *context;

	void tell(const std::string &key, int kind, int element, std::string_view text, toml::source_position at) const
	{
		visit(context, key.data(), key.size(), kind, element, text.data(), text.size(), at.line, at.column);
	}

	void scalar(const std::string &key, const toml::node &node, int element, toml::source_position at) const
	{
		if (auto *string = node.as_string())
			tell(key, FENDER_TOML_STRING, element, string->get(), at);
		else if (auto *integer = node.as_integer())
			tell(key, FENDER_TOML_INTEGER, element, std::to_string(integer->get()), at);
		else if (auto *boolean = node.as_boolean())
			tell(key, FENDER_TOML_BOOLEAN, element, boolean->get() ? "true" : "false", at);
		else
			tell(key, FENDER_TOML_OTHER, element, "", at);
	}

	void array(const std::string &key, const toml::array &array, toml::source_position at) const
	{
		tell(key, FENDER_TOML_ARRAY, 0, "", at);
		for (auto &element : array)
			scalar(key, element, 1, element.source().begin);
	}

	void table(const std::string &prefix, const toml::table &table) const
	{
		for (auto &&[name, node] : table) {
			std::string key = prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
			auto at = name.source().begin;
			if (auto *inner = node.as_table()) {
				if (inner->empty())
					tell(key, FENDER_TOML_TABLE, 0, "", at);
				else
					this->table(key, *inner);
			} else if (auto *elements = node.as_array()) {
				array(key, *elements, at);
			} else {
				scalar(key, node, 0, at);
			}
		}
	}
};

} // namespace

int fender_toml_parse(const char *document, size_t length, fender_toml_visitor visit, void *context, char *error,
		      size_t error_size, uint32_t *line, uint32_t *column)
{
	auto result = toml::parse(std::string_view(document, length));
	if (!result) {
		auto message = result.error().description();
		auto count = std::min(message.size(), error_size - 1);
		std::memcpy(error, message.data(), count);
		error[count] = 0;
		*line = result.error().source().begin.line;
		*column = result.error().source().begin.column;
		return -1;
	}
	Walk{visit, context}.table("", result.table());
	return 0;
}
