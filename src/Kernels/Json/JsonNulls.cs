using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace BDense.Kernels.Json;

/// <summary>
/// Nulls in lists and dictionaries whose elements are not declared to be nullable: the system's reader heeds declarations of properties
/// alone.
/// </summary>
internal static class JsonNulls
{
    private static readonly ConcurrentDictionary<Type, (PropertyInfo Property, NullabilityInfo Declared)[]> Kinds = new();

    /// <summary>Where the first such null is, as <c>choices[2]</c>; null if there is none.</summary>
    /// <param name="value">What was read.</param>
    /// <param name="at">Its own place.</param>
    public static string? Find(object value, string at) => Find(value, declared: null, at);

    private static string? Find(object value, NullabilityInfo? declared, string at)
    {
        if (IsLeaf(value.GetType()))
            return null;
        if (value is IDictionary dictionary)
        {
            var element = declared?.GenericTypeArguments.ElementAtOrDefault(1);
            return dictionary.Keys.Cast<object>()
                .Select(key => Element(dictionary[key], element, at.Length == 0 ? $"{key}" : $"{at}.{key}"))
                .FirstOrDefault(fault => fault is not null);
        }
        if (value is IEnumerable list)
        {
            var element = declared?.ElementType ?? declared?.GenericTypeArguments.FirstOrDefault();
            int index = 0;
            foreach (object? item in list)
            {
                if (Element(item, element, string.Create(CultureInfo.InvariantCulture, $"{at}[{index++}]")) is { } fault)
                    return fault;
            }
            return null;
        }
        foreach (var (property, kind) in Kinds.GetOrAdd(value.GetType(), OfType))
        {
            string name = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            if (property.GetValue(value) is { } inner && Find(inner, kind, at.Length == 0 ? name : $"{at}.{name}") is { } fault)
                return fault;
        }
        return null;
    }

    private static string? Element(object? value, NullabilityInfo? declared, string at) =>
        value is null ? declared?.ReadState == NullabilityState.Nullable ? null : at : Find(value, declared, at);

    // Text, numbers, and lists of numbers hold no null; JSON's own nodes may.
    private static bool IsLeaf(Type type) =>
        type.IsPrimitive || type.IsEnum || type == typeof(string)
            || type.Namespace?.StartsWith("System.Text.Json", StringComparison.Ordinal) == true
        || (type.IsArray && type.GetElementType()!.IsValueType && IsLeaf(type.GetElementType()!));

    private static (PropertyInfo, NullabilityInfo)[] OfType(Type type)
    {
        // One context a call: it is not for several threads.
        var context = new NullabilityInfoContext();
        return
        [
            .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.CanRead && p.GetIndexParameters().Length == 0
                    && p.GetCustomAttribute<JsonIgnoreAttribute>() is not { Condition: JsonIgnoreCondition.Always }
                    && !IsLeaf(Nullable.GetUnderlyingType(p.PropertyType) ?? p.PropertyType))
                .Select(p => (p, context.Create(p))),
        ];
    }
}
