using System.Text.RegularExpressions;

namespace BDense.Cli.Terminal;

/// <summary>
/// The lines that a shell reads to complete what is typed after <c>bdense</c>. They ask the program itself, with the directive
/// <c>[suggest:POSITION]</c> and the line so far; where it has no word to offer, the shell completes files.
/// </summary>
internal static partial class CompletionScript
{
    public static IReadOnlyList<string> Shells { get; } = ["bash", "zsh", "fish", "pwsh"];

    /// <summary>The lines for one of <see cref="Shells"/>.</summary>
    public static string For(string shell) => shell switch
    {
        "bash" => Bash,
        "zsh" => Zsh,
        "fish" => Fish,
        "pwsh" => PowerShell,
        _ => throw new ArgumentOutOfRangeException(nameof(shell), shell, "no shell of the list"),
    };

    // bash splits words at colons and equals signs too: what stands before the last one is on the line already.
    private const string Bash = """
        # Completion of bdense for bash: source <(bdense completion bash)
        _bdense() {
            local word=${COMP_LINE:0:COMP_POINT} suggestion
            word=${word##*[[:space:]=]}
            local before=${word%"${word##*:}"}
            COMPREPLY=()
            while IFS= read -r suggestion; do
                [[ $suggestion == "$word"* ]] && COMPREPLY+=("${suggestion#"$before"}")
            done < <("${COMP_WORDS[0]}" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
        }
        complete -o default -F _bdense bdense
        """;

    private const string Zsh = """
        # Completion of bdense for zsh: source <(bdense completion zsh)
        _bdense() {
            local -a suggestions
            local line="${words[1,CURRENT]}"
            suggestions=("${(@f)$(${words[1]} "[suggest:${#line}]" "$line" 2>/dev/null)}")
            suggestions=(${(M)suggestions:#${words[CURRENT]}*})
            if (( ${#suggestions} )); then compadd -- "${suggestions[@]}"; else _files; fi
        }
        compdef _bdense bdense
        """;

    private const string Fish = """
        # Completion of bdense for fish: bdense completion fish | source
        function __bdense_words
            set -l line (commandline -cp)
            bdense "[suggest:"(string length -- $line)"]" $line 2>/dev/null
        end
        complete -c bdense -a "(__bdense_words)"
        """;

    private const string PowerShell = """
        # Completion of bdense for PowerShell: bdense completion pwsh | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName bdense -ScriptBlock {
            param($word, $line, $position)
            bdense "[suggest:$position]" $line.ToString().PadRight($position) 2>$null | Where-Object { $_ -like "$word*" } |
                ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
        }
        """;

    /// <summary>
    /// The arguments of a shell's question with <c>--option=value</c> written <c>--option value</c>, of the same length: the library has no
    /// words after an equals sign. Other arguments are as they were.
    /// </summary>
    public static string[] Question(string[] args) =>
        IsQuestion(args) ? [args[0], .. args[1..].Select(line => Equal().Replace(line, "$1 "))] : args;

    /// <summary>Whether a shell asks for words.</summary>
    public static bool IsQuestion(string[] args) => args is [var first, ..] && first.StartsWith("[suggest", StringComparison.Ordinal);

    [GeneratedRegex(@"(\s--[\w-]+)=", RegexOptions.CultureInvariant)]
    private static partial Regex Equal();
}
