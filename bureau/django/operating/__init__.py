"""Holds what operators of a project see and do: the client with their key, jobs as rows, the project's schedules."""
