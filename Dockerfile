# bdense on Debian, for processors and, with NVIDIA's runtime, GPUs: docs/install.md.
FROM debian:trixie-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3t64 libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
# .NET as files: Microsoft's own images are not Debian.
COPY --from=mcr.microsoft.com/dotnet/sdk:10.0 /usr/share/dotnet /usr/share/dotnet
ENV PATH=/usr/share/dotnet:$PATH DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /source
COPY global.json Directory.Build.props Directory.Build.targets Directory.Packages.props ./
COPY packaging packaging
COPY src src
# The history is not copied: the commit that --version tells is given with --build-arg COMMIT="$(git rev-parse HEAD)".
ARG COMMIT=
RUN dotnet publish src/Cli -c Release --use-current-runtime --self-contained -o /app \
    -p:RunAnalyzers=false -p:GenerateDocumentationFile=false -p:SourceRevisionId="$COMMIT"

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /app /opt/bdense
# Whoever runs it has a place for what is tuned; NVIDIA's runtime puts the driver (libcuda) in.
ENV HOME=/tmp NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /work
ENTRYPOINT ["/opt/bdense/bdense"]
CMD ["--help"]
