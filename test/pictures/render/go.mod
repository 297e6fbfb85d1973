module github.com/valetkey/valetkey/test/pictures/render

go 1.26.0

toolchain go1.26.8

require github.com/yuin/goldmark v1.7.17
