"""Manual pages out of what the programs say of themselves: fender(1) and a page for each command, fender-oci(8)."""

import json
import re
import subprocess

OCI_DESCRIPTION = """\
It makes and runs containers out of OCI bundles, with the commands and flags of runc, in whose place Docker
.RB ( "dockerd --add-runtime" )
and containerd's runc shim can use it. Each container has a process of
.IR /usr/libexec/fender/fender-monitor ,
which stays with it."""
FILES = [
    ("/etc/fender/config.toml", "Settings, see fender.toml(5)."),
    ("/etc/default/fender", "Variables of the service's environment; there need be none."),
    ("/run/fender/fender.sock", "Where the CRI is served, to root and the group fender."),
    ("/var/lib/fender", "What must outlive a reboot."),
]


def pages(fender, oci):
    """Text by name and section."""
    tree = json.loads(output(fender, "--experimental-dump-help"))["command"]
    made = {}
    collect(tree, [], made, output(fender, "options", "--form", "help"))
    made["fender.toml.5"] = output(fender, "options", "--form", "man")
    made["fender-oci.8"] = oci_page(output(oci, "help"))
    return made


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")
    return re.sub(r"^([.'])", r"\\&\1", text)


def collect(command, above, made, options):
    path = [*above, command["commandName"]]
    if path[1:2] == ["help"]:
        return
    children = [child for child in command.get("subcommands", []) if child["commandName"] != "help"]
    name = "-".join(path)
    lines = [f'.TH {name.upper()} 1 "" Fender Fender', ".SH NAME",
             f"{escaped(name)} \\- {escaped(command['abstract'].rstrip('.'))}", ".SH SYNOPSIS", synopsis(path, command)]
    if "discussion" in command:
        paragraphs = map(escaped, command["discussion"].split("\n\n"))
        lines += [".SH DESCRIPTION", "\n.PP\n".join(paragraphs)]
    if children:
        lines.append(".SH COMMANDS")
        for child in children:
            lines += [".TP", f".BR {escaped('-'.join([*path, child['commandName']]))} (1)", escaped(child["abstract"])]
    lines += arguments(command)
    if name == "fender-serve":
        lines += flags(options)
    if name == "fender":
        lines.append(".SH FILES")
        for file, text in FILES:
            lines += [".TP", f".I {escaped(file)}", escaped(text)]
    if name != "fender":
        lines += [".SH SEE ALSO", ".BR fender (1),", ".BR fender.toml (5)"]
    else:
        lines += [".SH SEE ALSO", ".BR fender.toml (5),", ".BR fender\\-oci (8)"]
    made[f"{name}.1"] = "\n".join(lines) + "\n"
    for child in children:
        collect(child, path, made, options)


def shown(command):
    return [argument for argument in command.get("arguments", []) if argument.get("shouldDisplay")]


def names(argument):
    return [("-" if name["kind"] == "short" else "--") + name["name"] for name in argument.get("names", [])]


def synopsis(path, command):
    words = [f"\\fB{escaped(' '.join(path))}\\fR"]
    for argument in shown(command):
        value = f"\\fI{escaped(argument['valueName'])}\\fR"
        if argument["kind"] == "positional":
            word = value + (" ..." if argument["isRepeating"] else "")
        else:
            word = f"\\fB{escaped(names(argument)[-1])}\\fR" + (f" {value}" if argument["kind"] == "option" else "")
        words.append(f"[{word}]" if argument["isOptional"] else word)
    if command.get("subcommands"):
        words.append("\\fIcommand\\fR ...")
    return " ".join(words)


def arguments(command):
    lines = [".SH OPTIONS"]
    for argument in shown(command):
        told = ", ".join(f"\\fB{escaped(name)}\\fR" for name in names(argument)) or "\\fI" + argument["valueName"] + "\\fR"
        if argument["kind"] == "option":
            told += f" \\fI{escaped(argument['valueName'])}\\fR"
        default = f" (default: {argument['defaultValue']})" if "defaultValue" in argument else ""
        lines += [".TP", told, escaped(argument.get("abstract", "") + default) or "\\&"]
    return lines


def flags(text):
    """The flags of serve, as `fender options` prints them: headings, flags, and deeper what they mean."""
    lines = []
    for line in text.splitlines():
        if line.startswith("        "):
            lines.append(escaped(line.strip()))
        elif line.startswith("  "):
            lines += [".TP", f"\\fB{escaped(line.strip())}\\fR"]
        elif line:
            lines.append(f".SS {escaped(line.rstrip(':'))}")
    return lines


def oci_page(text):
    usage, commands = (line.split(": ", 1)[1] for line in text.splitlines())
    return "\n".join([
        '.TH FENDER-OCI 8 "" Fender Fender', ".SH NAME", "fender\\-oci \\- an OCI runtime in runc's place", ".SH SYNOPSIS",
        escaped(usage), ".SH DESCRIPTION", OCI_DESCRIPTION, ".SH COMMANDS", escaped(commands), ".SH FILES", ".TP",
        ".I /run/fender\\-oci", "The containers' states, unless \\fB\\-\\-root\\fR names another directory.",
        ".SH SEE ALSO", ".BR fender (1),", ".BR runc (8)"]) + "\n"
