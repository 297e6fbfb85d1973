# The image of the action. It has to build with the classic builder as well as
# with BuildKit: the runner takes whichever is there.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# /post is /valetkey under another name: the program tells the action's stages
# apart by it. As a hard link in a directory that is copied whole, it costs nothing.
# Inlining buys speed in what is hot, which is cryptography; without it, the rest
# of the program is a twentieth smaller and no slower. The last pattern that fits
# a package counts. HTTP/2 is left out, a twentieth again: githubapp speaks HTTP/1.1.
# So is the demo: this container holds an App's key, and needs no GitHub of its own.
RUN mkdir /image \
    && CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -tags nethttpomithttp2,nodemo \
        -gcflags=all=-l -gcflags=crypto/...= -gcflags=math/...= -gcflags=runtime/...= -gcflags=internal/...= \
        -gcflags=sync/...= -gcflags=golang.org/...= -gcflags=filippo.io/...= -o /image/valetkey . \
    && ln /image/valetkey /image/post

# Nothing but the program: certificate roots are in it. No USER either: the runner's
# files belong to it, and only root can write to them.
FROM scratch
COPY --from=build /image/ /
ENTRYPOINT ["/valetkey"]
