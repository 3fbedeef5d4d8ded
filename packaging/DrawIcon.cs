// Draws icon.png, the packages' icon: one noise, four branches, one image.
// dotnet run packaging/DrawIcon.cs [OUT.png]
#:package SkiaSharp
#:package SkiaSharp.NativeAssets.Linux.NoDependencies
#:property PublishAot=false
using SkiaSharp;

const int Size = 128;
using var bitmap = new SKBitmap(Size, Size);
using var canvas = new SKCanvas(bitmap);
canvas.Clear(SKColors.Transparent);
using var fill = new SKPaint { IsAntialias = true, Color = new SKColor(0x16, 0x1B, 0x33) };
canvas.DrawRoundRect(0, 0, Size, Size, 24, 24, fill);

// From the left to the right, through four heads one above the other.
var (left, right) = (new SKPoint(20, 64), new SKPoint(104, 64));
SKColor[] colours = [new(0x7F, 0xC8, 0xF8), new(0x6C, 0xE0, 0xB0), new(0xF6, 0xC9, 0x5B), new(0xF2, 0x84, 0x6B)];
for (int head = 0; head < colours.Length; head++)
{
    float y = 22 + head * 28;
    using var path = new SKPath();
    path.MoveTo(left);
    path.CubicTo(40, 64, 44, y, 62, y);
    path.CubicTo(80, y, 86, 64, right.X, right.Y);
    using var line = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 5, Color = colours[head] };
    canvas.DrawPath(path, line);
    using var dot = new SKPaint { IsAntialias = true, Color = colours[head] };
    canvas.DrawCircle(62, y, 9, dot);
}
using var white = new SKPaint { IsAntialias = true, Color = SKColors.White };
canvas.DrawCircle(left, 8, white);
canvas.DrawCircle(right, 13, white);

using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
File.WriteAllBytes(args.Length > 0 ? args[0] : "packaging/icon.png", data.ToArray());
