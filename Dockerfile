# The image of the action as a runner builds it from main; a release names an image
# that is built already. It has to build with the classic builder as well as with
# BuildKit: the runner takes whichever is there.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY . .
# /post is /valetkey under another name: the program tells the action's stages
# apart by it. As a hard link in a directory that is copied whole, it costs nothing.
# The build downloads the modules that the program needs, and not those of tests.
RUN mkdir /image && .ci/build /image/valetkey && ln /image/valetkey /image/post

# Nothing but the program: certificate roots are in it. No USER either: the runner's
# files belong to it, and only root can write to them.
FROM scratch
COPY --from=build /image/ /
ENTRYPOINT ["/valetkey"]
